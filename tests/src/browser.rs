//! A real browser: Debian's Chromium, driven by its ChromeDriver. Each test has its own; both end with the test.

use crate::until;
use anyhow::{Context, Result};
use std::{
    net::TcpListener,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use thirtyfour::{By, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WebElement};

/// Whether pages may run scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scripts {
    /// As usual.
    On,
    /// Switched off: every form must still work.
    Off,
}

/// A browser window.
pub struct Browser {
    driver: WebDriver,
    process: Child,
    base: String,
    scripts: Scripts,
    _profile: TempDir,
}

impl Browser {
    /// Opens a window for an installation at `base`.
    ///
    /// # Errors
    /// When Chromium or ChromeDriver cannot be started.
    pub async fn open(base: &str, scripts: Scripts) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new("chromedriver")
            .process_group(0)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("chromedriver cannot be run")?;
        let mut process = Guard(Some(process));
        let profile = tempfile::tempdir()?;
        let mut capabilities = DesiredCapabilities::chrome();
        for argument in [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-extensions",
            "--window-size=1280,1000",
            &format!("--user-data-dir={}", profile.path().display()),
        ] {
            capabilities.add_arg(argument)?;
        }
        capabilities.set_binary("/usr/bin/chromium")?;
        let driver =
            until("ChromeDriver", Duration::from_secs(30), || {
                let capabilities = capabilities.clone();
                async move {
                    WebDriver::new(format!("http://127.0.0.1:{port}"), capabilities).await.map_err(|e| e.to_string())
                }
            })
            .await?;
        let process = process.0.take().context("chromedriver was started")?;
        let browser = Self { driver, process, base: base.to_owned(), scripts, _profile: profile };
        if scripts == Scripts::Off {
            browser.devtools("Emulation.setScriptExecutionDisabled", serde_json::json!({ "value": true })).await?;
        }
        Ok(browser)
    }

    async fn devtools(&self, command: &str, parameters: serde_json::Value) -> Result<()> {
        self.driver.cdp().send_raw(command, parameters).await?;
        Ok(())
    }

    /// Runs a script in every page from now on, before any of the page's own.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn before_pages(&self, script: &str) -> Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", serde_json::json!({ "source": script })).await
    }

    /// Opens a page of the installation and, with scripts on, waits until it is hydrated.
    ///
    /// # Errors
    /// When it does not open.
    pub async fn go(&self, path: &str) -> Result<()> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        self.driver.goto(&url).await?;
        self.settle().await
    }

    /// With scripts on, waits until the page's own script runs; pages of hosted applications have none.
    ///
    /// # Errors
    /// When the script failed.
    pub async fn settle(&self) -> Result<()> {
        if self.scripts == Scripts::Off || !self.driver.current_url().await?.as_str().starts_with(&self.base) {
            return Ok(());
        }
        until("the page to be hydrated", Duration::from_secs(20), || async {
            let html = self.driver.find(By::Tag("html")).await.map_err(|error| error.to_string())?;
            match html.attr("data-hydration").await {
                Ok(Some(state)) if state == "ready" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await
    }

    /// Waits for an element.
    ///
    /// # Errors
    /// When it does not come within 30 s: with the page's text.
    pub async fn find(&self, css: &str) -> Result<WebElement> {
        let found = until(css, Duration::from_secs(30), || async {
            self.driver.find(By::Css(css)).await.map_err(|error| error.to_string())
        })
        .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => Err(error.context(format!("the page says: {}", self.text().await?))),
        }
    }

    /// Types into a field, replacing what was there.
    ///
    /// # Errors
    /// When there is no such field.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        let field = self.find(css).await?;
        field.clear().await?;
        field.send_keys(text).await?;
        Ok(())
    }

    /// Clicks.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn click(&self, css: &str) -> Result<()> {
        let element = self.find(css).await?;
        element.scroll_into_view().await.ok();
        element.click().await?;
        Ok(())
    }

    /// The page's visible text.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn text(&self) -> Result<String> {
        Ok(self.driver.find(By::Tag("body")).await?.text().await?)
    }

    /// Waits until the page shows a text; with scripts off the page is loaded again each time.
    ///
    /// # Errors
    /// After `limit`: with what the page shows.
    pub async fn see(&self, text: &str, limit: Duration) -> Result<()> {
        until(&format!("the page to show {text:?}"), limit, || async {
            let shown = self.text().await.map_err(|error| error.to_string())?;
            if shown.contains(text) {
                return Ok(());
            }
            if self.scripts == Scripts::Off {
                tokio::time::sleep(Duration::from_millis(500)).await;
                // Not `refresh`, which waits for scripts; without the fragment, which alone would load nothing.
                let mut url = self.driver.current_url().await.map_err(|error| error.to_string())?;
                url.set_fragment(None);
                self.driver.goto(url.as_str()).await.map_err(|error| error.to_string())?;
            }
            Err(shown)
        })
        .await
    }

    /// Address of the installation.
    #[must_use]
    pub fn home(&self) -> &str {
        &self.base
    }

    /// Address of the page.
    ///
    /// # Errors
    /// When the window is gone.
    pub async fn url(&self) -> Result<String> {
        Ok(self.driver.current_url().await?.to_string())
    }

    /// The driver, for what is not worth a method.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Saves a picture of the window.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn picture(&self, file: &Path) -> Result<()> {
        self.driver.screenshot(file).await?;
        Ok(())
    }

    /// Pretends to be another screen: CSS pixels, and dark or light.
    ///
    /// # Errors
    /// When the browser refuses.
    pub async fn pretend(&self, width: u32, height: u32, dark: bool) -> Result<()> {
        let size =
            serde_json::json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = serde_json::json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await
    }

    /// Closes the window. One that does not close in time is ended with its processes.
    ///
    /// # Errors
    /// When it was gone already.
    pub async fn close(self) -> Result<()> {
        match tokio::time::timeout(Duration::from_secs(10), self.driver.clone().quit()).await {
            Ok(closed) => Ok(closed?),
            Err(_) => Ok(()),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its Chromium is in the same process group: none of them may outlive the test, however it ended.
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.process.id())]).status();
        let _ = self.process.wait();
    }
}

/// Ends the process if the browser could not be opened.
struct Guard(Option<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(process) = &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
