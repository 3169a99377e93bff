//! `docs/howto/wordpress.md` for real: Debian's WordPress on php and mysql, installed, written in, scaled, and hurt.

use aerie_domain::{
    ServiceId,
    views::{ServiceView, VolumeView},
};
use aerie_tests::{Api, HowTo, Installation, Visitor, until};
use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, header};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

/// Requests that reach every one of three instances with near certainty: they are asked in turn.
const OFTEN: usize = 12;

/// Somebody who writes in the blog, by what browsers and apps send.
struct Author {
    client: Client,
    address: String,
    nonce: String,
}

impl Author {
    /// Fills in the installation page and logs in.
    async fn install(address: &str) -> Result<Self> {
        let client = Visitor::patient_browser_like(address)?;
        let form = [
            ("weblog_title", "Elephants"),
            ("user_name", "ada"),
            ("admin_password", "correct horse"),
            ("admin_password2", "correct horse"),
            ("pw_weak", "on"),
            ("admin_email", "ada@example.org"),
            ("language", ""),
        ];
        let page = client.post(format!("{address}/wp-admin/install.php?step=2")).form(&form).send().await?;
        let (status, text) = (page.status(), page.text().await?);
        ensure!(status == 200 && text.contains("WordPress has been installed"), "{status} {text}");
        let mut author = Self { client, address: address.to_owned(), nonce: String::new() };
        author.log_in().await?;
        Ok(author)
    }

    async fn log_in(&mut self) -> Result<()> {
        let url = format!("{}/wp-login.php", self.address);
        // Sets the cookie by which WordPress knows that cookies work.
        self.client.get(&url).send().await?;
        let form = [("log", "ada"), ("pwd", "correct horse"), ("testcookie", "1")];
        let page = self.client.post(&url).form(&form).send().await?;
        let (at, text) = (page.url().to_string(), page.text().await?);
        ensure!(at.ends_with("/wp-admin/") && text.contains("Dashboard"), "{at} {text}");
        let nonce =
            self.client.get(format!("{}/wp-admin/admin-ajax.php?action=rest-nonce", self.address)).send().await?;
        self.nonce = nonce.text().await?;
        Ok(())
    }

    fn rest(&self, method: Method, route: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}/?rest_route={route}", self.address)).header("X-WP-Nonce", &self.nonce)
    }

    /// Writes a post and gives its address.
    async fn post(&self, title: &str, content: &str) -> Result<String> {
        let form = json!({ "title": title, "content": content, "status": "publish" });
        let answer = self.rest(Method::POST, "/wp/v2/posts").json(&form).send().await?;
        let (status, post) = (answer.status(), answer.text().await?);
        ensure!(status == 201, "{status} {post}");
        let post: Value = serde_json::from_str(&post)?;
        post["link"].as_str().map(str::to_owned).context("a post has an address")
    }

    /// Uploads a picture and gives what WordPress says of it.
    async fn upload(&self, picture: Vec<u8>) -> Result<Value> {
        let request = self
            .rest(Method::POST, "/wp/v2/media")
            .header(header::CONTENT_DISPOSITION, "attachment; filename=service.png")
            .header(header::CONTENT_TYPE, "image/png")
            .body(picture);
        let answer = request.send().await?;
        let (status, media) = (answer.status(), answer.text().await?);
        ensure!(status == 201, "{status} {media}");
        Ok(serde_json::from_str(&media)?)
    }

    /// Whether the login is still good, asked where only people who are logged in get an answer.
    async fn is_known(&self) -> Result<bool> {
        let answer = self.rest(Method::GET, "/wp/v2/users/me").send().await?;
        Ok(answer.status() == 200 && answer.json::<Value>().await?["name"] == "ada")
    }

    async fn read(&self, url: &str) -> Result<Vec<u8>> {
        let answer = self.client.get(url).send().await?;
        ensure!(answer.status() == 200, "{url}: {}", answer.status());
        Ok(answer.bytes().await?.to_vec())
    }
}

/// php with a volume that a files service keeps, and mysql, all started at once, with the archive of the page.
async fn blog(ada: &Api) -> Result<(ServiceId, String)> {
    let site = ada.application_with("blog", "php").await?;
    let id = site.summary.id;
    let path = format!("/applications/{}/services", site.summary.application_id);
    let form = json!({ "kind": "mysql", "name": "db" });
    let db: ServiceView = ada.json(Method::POST, &path, Some(form)).await?;
    let db = db.summary.id;
    ada.accepted(Method::PUT, &format!("/services/{id}/bindings/{db}"), Some(json!({}))).await?;
    let files: ServiceView = ada.json(Method::POST, &path, Some(json!({ "kind": "files" }))).await?;
    let files = files.summary.id;
    let volumes = format!("/applications/{}/volumes", site.summary.application_id);
    let form = json!({ "name": "uploads", "kept_by": files, "quota_mib": 100 });
    let uploads: VolumeView = ada.json(Method::POST, &volumes, Some(form)).await?;
    ada.send(Method::PUT, &format!("/services/{id}/volumes/{}", uploads.id), Some(json!({})))
        .await?
        .error_for_status()?;
    for other in [db, files] {
        let _: Value = ada.json(Method::POST, &format!("/services/{other}/start"), None).await?;
    }
    ada.accepted(Method::POST, &format!("/services/{id}/start"), None).await?;
    let archive = HowTo::follow("howto/wordpress").await?.file("wordpress.tar.gz")?;
    let version = ada.upload(id, "wordpress.tar.gz", archive).await?;
    let form = json!({ "version_id": version.id });
    ada.accepted(Method::POST, &format!("/services/{id}/activate"), Some(form)).await?;
    Ok((id, site.summary.address.context("php has an address")?))
}

#[tokio::test]
async fn a_blog_is_installed_written_and_scaled_and_survives_the_death_of_an_instance() -> Result<()> {
    let home = Installation::start("wordpress").await?;
    let ada = home.api().register("ada").await?;
    let (id, address) = blog(&ada).await?;
    let author = Author::install(&address).await?;

    // A post with a picture.
    let picture = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/images/service.png"))?;
    let media = author.upload(picture.clone()).await?;
    let shown = media["source_url"].as_str().context("a picture has an address")?.to_owned();
    let thumbnail = media["media_details"]["sizes"]["thumbnail"]["source_url"].as_str();
    let thumbnail = thumbnail.context("php can make small pictures")?.to_owned();
    let post = author.post("Jumbo", &format!("<p>An elephant. <img src=\"{shown}\"></p>")).await?;
    let again = author.upload(picture.clone()).await?;
    ensure!(again["source_url"] != shown, "pictures of one name are two pictures");

    // WordPress calls itself: scheduled posts and its own checks depend on it.
    let health: Value =
        author.rest(Method::GET, "/wp-site-health/v1/tests/loopback-requests").send().await?.json().await?;
    ensure!(health["status"] == "good", "{health}");

    // Three instances, while somebody reads.
    let load = Visitor::keep_asking(&post, 2)?;
    ada.accepted(Method::PUT, &format!("/services/{id}/scale"), Some(json!({ "roles": { "php": 3 } }))).await?;
    load.finish_without_loss(0, &ada, id).await?;
    for turn in 0..OFTEN {
        ensure!(author.is_known().await?, "the login stays, turn {turn}");
        ensure!(author.read(&shown).await? == picture, "the picture stays, turn {turn}");
        ensure!(author.read(&thumbnail).await?.starts_with(b"\x89PNG"), "the small picture stays, turn {turn}");
        ensure!(String::from_utf8_lossy(&author.read(&post).await?).contains("An elephant."), "turn {turn}");
    }
    let outside = shown.rsplit_once("/wp-content/uploads/").context("pictures have their own path")?.0;
    for path in ["..%2f..%2fetc/passwd", "%2e%2e/%2e%2e/etc/passwd", "no-such-picture.png"] {
        let answer = author.client.get(format!("{outside}/wp-content/uploads/{path}")).send().await?;
        ensure!(answer.status() == 404, "{path}: {}", answer.status());
    }

    // One dies; the author goes on writing at once.
    let view = ada.service(id).await?;
    let dying = view.instances.iter().find(|i| i.roles.iter().any(|role| role.role == "php")).context("php")?;
    let container = home.containers()?.into_iter().find(|name| name.ends_with(&format!("-{}", dying.short)));
    home.docker(&["kill", "--signal", "KILL", &container.context("its container")?])?;
    let second = until("a post after the death of an instance", Duration::from_secs(30), || async {
        author.post("Dumbo", "<p>Another elephant.</p>").await.map_err(|error| error.to_string())
    })
    .await?;
    ensure!(author.is_known().await?, "the login stays");
    for url in [&post, &second] {
        let page = String::from_utf8_lossy(&author.read(url).await?).into_owned();
        ensure!(page.contains("elephant."), "{page}");
    }
    let front = String::from_utf8_lossy(&author.read(&address).await?).into_owned();
    ensure!(front.contains("Jumbo") && front.contains("Dumbo"), "{front}");
    Ok(())
}
