//! Code that is pushed with the real git, to a director that listens, and what only somebody hostile would send.

use crate::support::{App, Client, PASSWORD, UPLOAD_BYTES};
use aerie_director::http::server;
use axum::{
    body::Body,
    http::{Method, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};
use sqlx::PgPool;
use std::{
    collections::BTreeMap,
    env, fs,
    io::{Read, Write},
    net::SocketAddr,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, process::Command, time::timeout};

/// Longer than any git here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A place to work with git, and the director that it talks to.
struct Desk {
    address: SocketAddr,
    folder: TempDir,
}

/// What git said, and whether it was content.
struct Said {
    content: bool,
    text: String,
}

impl Said {
    fn well(self) -> String {
        assert!(self.content, "{}", self.text);
        self.text
    }

    fn refused(self, reason: &str) {
        assert!(!self.content && self.text.contains(reason), "{reason}: {}", self.text);
    }
}

impl Desk {
    async fn of(app: &App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        app.state.lifecycle.spawn(server::serve(listener, app.router.clone(), app.state.lifecycle.clone()));
        Self { address, folder: tempfile::tempdir().unwrap() }
    }

    /// The address of a repository, for somebody with a token.
    fn address(&self, name: &str, token: &str, repository: &str) -> String {
        format!("http://{name}:{token}@{}/git/{repository}.git", self.address)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    async fn git(&self, folder: &str, arguments: &[&str]) -> Said {
        let mut git = Command::new("git");
        git.args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main"])
            .args(arguments)
            .current_dir(self.path(folder))
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .kill_on_drop(true);
        let output = timeout(PATIENCE, git.output()).await.expect("git ends").unwrap();
        let text = [output.stdout, output.stderr].concat();
        Said { content: output.status.success(), text: String::from_utf8_lossy(&text).into_owned() }
    }

    /// Commits these files and whatever else has changed; gives the commit's id.
    async fn commit(&self, folder: &str, files: &[(&str, &str)], message: &str) -> String {
        for (name, content) in files {
            let path = self.path(folder).join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        if !self.path(folder).join(".git").exists() {
            self.git(folder, &["init", "--quiet"]).await.well();
        }
        self.git(folder, &["add", "--all"]).await.well();
        self.git(folder, &["commit", "--quiet", "--message", message]).await.well();
        self.git(folder, &["rev-parse", "HEAD"]).await.well().trim().to_owned()
    }
}

async fn token(app: &App, name: &str) -> String {
    let login = json!({"user_name": name, "password": PASSWORD});
    app.anybody().post("/api/v1/login", login).await.expect(201)["secret"].as_str().unwrap().to_owned()
}

/// Newest first; the oldest is the kind's own.
async fn versions(client: &Client<'_>, service: &str) -> Vec<Value> {
    let list = client.get(&format!("/api/v1/services/{service}/versions")).await.expect(200);
    list["items"].as_array().unwrap().clone()
}

/// The files of a version as instances get them.
async fn files(app: &App, service: &str, version: &Value) -> BTreeMap<String, String> {
    let id = version["id"].as_str().unwrap().parse().unwrap();
    let row = app.state.store.version_fetch(service.parse().unwrap(), id).await.unwrap().unwrap();
    let blob = app.state.config.options.data_dir.join("blobs").join(row.normalised_digest);
    let mut archive = tar::Archive::new(zstd::Decoder::new(fs::File::open(blob).unwrap()).unwrap());
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let mut content = String::new();
            entry.read_to_string(&mut content).unwrap();
            files.insert(entry.path().unwrap().display().to_string(), content);
        }
    }
    files
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

/// No version but the kind's own, no object, no branch, and nothing that is not complete.
async fn nothing_is_left(app: &App, owner: &Client<'_>, service: &str) {
    assert_eq!(versions(owner, service).await.len(), 1);
    let data = &app.state.config.options.data_dir;
    let repository = data.join("git").join(service);
    assert_eq!(names(&data.join("git")), [service]);
    assert_eq!(names(&repository.join("objects/pack")), [""; 0]);
    assert_eq!(names(&repository.join("refs/heads")), [""; 0]);
    assert!(!names(&data.join("blobs")).iter().any(|name| name.starts_with("incoming")));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_push_becomes_a_version_and_a_clone_goes_on(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, desk) = (app.user("ada").await, Desk::of(&app).await);
    let service = ada.php("blog").await;
    let blog = desk.address("ada", &token(&app, "ada").await, "blog/php");
    let first = [("public/index.php", "<?php echo 1;"), ("public/a.css", "a {}")];
    let commit = desk.commit("site", &first, "First page").await;
    fs::write(desk.path("site/notes.txt"), "in no commit").unwrap();
    let said = desk.git("site", &["push", &blog, "main"]).await.well();
    assert!(said.contains("remote: Version 1 is uploaded") && said.contains(&format!("/{service}#code")), "{said}");
    let version = versions(&ada, &service).await.swap_remove(0);
    assert_eq!(version["name"], format!("git-{}.tar.gz", &commit[..7]));
    assert_eq!((&version["note"], &version["active"]), (&json!("main: First page"), &json!(false)));
    let expected = first.map(|(name, content)| (name.to_owned(), content.to_owned()));
    assert_eq!(files(&app, &service, &version).await, BTreeMap::from(expected), "the only folder stays");

    desk.git(".", &["clone", "--quiet", &blog, "partner"]).await.well();
    desk.commit("partner", &[("index.php", "2")], "Second page").await;
    desk.git("partner", &["push", "--quiet", "origin", "main"]).await.well();
    desk.git("site", &["pull", "--quiet", &blog, "main"]).await.well();
    assert_eq!(fs::read_to_string(desk.path("site/index.php")).unwrap(), "2");
    let version = versions(&ada, &service).await.swap_remove(0);
    assert_eq!((&version["number"], files(&app, &service, &version).await.len()), (&json!(2), 3));

    // Branches come and go, and history may be changed by who means it.
    desk.git("site", &["push", "--quiet", &blog, "main:refs/heads/try/this"]).await.well();
    desk.git("site", &["commit", "--quiet", "--amend", "--message", "Better"]).await.well();
    desk.git("site", &["push", &blog, "main"]).await.refused("[rejected]");
    desk.git("site", &["push", "--quiet", "--force", &blog, "main"]).await.well();
    desk.git("site", &["push", "--quiet", &blog, ":try/this"]).await.well();
    let branches = desk.git("site", &["ls-remote", "--heads", &blog]).await.well();
    assert_eq!(branches.lines().count(), 1, "{branches}");
    let notes: Vec<_> = versions(&ada, &service).await.iter().map(|version| version["note"].clone()).collect();
    assert_eq!(notes, ["main: Better", "try/this: Second page", "main: Second page", "main: First page", ""]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_cannot_be_used_is_refused_with_the_reason_and_leaves_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, desk) = (app.user("ada").await, Desk::of(&app).await);
    let service = ada.php("blog").await;
    let blog = desk.address("ada", &token(&app, "ada").await, "blog/php");
    let good = desk.commit("site", &[("index.php", "1")], "Good").await;
    symlink("/etc/passwd", desk.path("site/link")).unwrap();
    desk.commit("site", &[], "Link").await;
    desk.git("site", &["push", &blog, "main"]).await.refused("holds the link");
    fs::remove_file(desk.path("site/link")).unwrap();
    // Xorshift: nothing makes that smaller.
    let mut state = 88_172_645_463_325_252_u64;
    let noise = (0..2 * UPLOAD_BYTES).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_be_bytes()[0]
    });
    fs::write(desk.path("site/noise"), noise.collect::<Vec<_>>()).unwrap();
    desk.commit("site", &[], "Noise").await;
    desk.git("site", &["push", &blog, "main"]).await.refused("larger than 1 MiB");
    desk.git("site", &["push", &blog, &format!("{good}:refs/tags/v1")]).await.refused("Only branches");
    let two = [format!("{good}:refs/heads/a"), format!("{good}:refs/heads/b")];
    desk.git("site", &["push", &blog, &two[0], &two[1]]).await.refused("Push one branch at a time");
    nothing_is_left(&app, &ada, &service).await;
    desk.git("site", &["push", "--quiet", &blog, &two[0]]).await.well();
    assert_eq!(versions(&ada, &service).await.len(), 2);
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_the_owner_pushes_and_only_with_a_token_that_may(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, desk) = (app.user("ada").await, Desk::of(&app).await);
    app.user("eve").await;
    let service = ada.php("blog").await;
    let application = ada.get("/api/v1/applications").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let store = json!({"kind": "keyvalue", "name": "store"});
    ada.post(&format!("/api/v1/applications/{application}/services"), store).await.expect(201);
    let reader = json!({"name": "reader", "scope": "read", "expires_in_days": 1});
    let reader = app.browser("ada").await.post("/api/v1/me/tokens", reader).await.expect(201);
    let reader = reader["secret"].as_str().unwrap();
    let (ada_token, eve_token) = (token(&app, "ada").await, token(&app, "eve").await);
    let (password, by_id) = (PASSWORD.replace(' ', "%20"), format!("{application}/{service}"));
    desk.commit("site", &[("index.php", "1")], "First page").await;
    for [name, token, repository, reason] in [
        ["ada", "aerie_made-up", "blog/php", "Authentication failed"],
        ["ada", &password, "blog/php", "Authentication failed"],
        ["eve", &ada_token, "blog/php", "Authentication failed"],
        ["eve", &eve_token, "blog/php", "or it is not yours"],
        ["eve", &eve_token, &by_id, "or it is not yours"],
        ["ada", reader, "blog/php", "may only read"],
        ["ada", &ada_token, "blog/nothing", "or it is not yours"],
        ["ada", &ada_token, "blog/store", "take no code"],
    ] {
        desk.git("site", &["push", &desk.address(name, token, repository), "main"]).await.refused(reason);
    }
    desk.git("site", &["ls-remote", &desk.address("ada", reader, "blog/php")]).await.well();
    nothing_is_left(&app, &ada, &service).await;

    // What git sends opens nothing but repositories, by ids as well as by names.
    let basic = STANDARD.encode(format!("ada:{ada_token}"));
    let basic = app.anybody().with("authorization", &format!("Basic {basic}"));
    basic.get("/api/v1/me").await.refused(401, "not_signed_in");
    let path = format!("/git/{by_id}/info/refs?service=git-receive-pack");
    assert_eq!(basic.get(&path).await.status, 200);
    let answer = app.anybody().get(&path).await;
    assert!(answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
    answer.refused(401, "not_signed_in");
}

/// A line as git sends it.
fn line(text: &str) -> String {
    format!("{:04x}{text}", text.len() + 4)
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_git_would_never_send_is_refused_or_bounded(pool: PgPool) {
    const TO: &str = "/git/blog/php.git";
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    for path in ["blog/..%2fphp", "%2e%2e/php", "blog/php.git.git", "blog/PHP", "blog/%00", "-c%20x/php", "%2fa/php"] {
        ada.get(&format!("/git/{path}/info/refs?service=git-upload-pack")).await.refused(404, "not_found");
    }
    for asked in ["", "?service=git-upload-archive", "?service=git-receive-pack%20--help"] {
        ada.get(&format!("{TO}/info/refs{asked}")).await.refused(400, "malformed_request");
    }
    ada.form(&format!("{TO}/git-receive-pack"), "a=b").await.refused(400, "malformed_request");

    let send = async |what: &str, body: Vec<u8>, headers: &[(&str, &str)]| {
        let kind = format!("application/x-git-{what}-request");
        let client = ada.clone().with("content-type", &kind);
        let client = headers.iter().fold(client, |client, (name, value)| client.with(name, value));
        client.send(client.request(Method::POST, &format!("{TO}/git-{what}"), Body::from(body))).await
    };
    let push = async |body: Vec<u8>| send("receive-pack", body, &[]).await;
    push(b"hello, git".to_vec()).await.refused(400, "malformed_request");
    assert_eq!(push(b"0000".to_vec()).await.text, "");
    let (nothing, commit) = ("0".repeat(40), "1".repeat(40));
    let wish = |name: &str| format!("{}0000", line(&format!("{nothing} {commit} {name}\0report-status")));
    for name in ["refs/heads/../../config", "refs/heads/main.lock", "refs/heads/-x", "refs/tags/v1", "HEAD"] {
        let answer = push(wish(name).into_bytes()).await;
        assert!(answer.text.contains(&format!("ng {name} Only branches")), "{answer:?}");
    }
    // A pack that is none, and one without what the branch shall be.
    let digest = hex::decode("029d08823bd8a8eab510ad6ac75c823cfd3ed31e").unwrap();
    let empty = [&b"PACK\0\0\0\x02\0\0\0\0"[..], &digest[..]].concat();
    for (pack, reason) in [(&b"PACK, or not"[..], "unsupported"), (&empty[..], "bad object")] {
        let answer = push([wish("refs/heads/main").as_bytes(), pack].concat()).await;
        assert!(answer.text.contains("ng refs/heads/main git says: ") && answer.text.contains(reason), "{answer:?}");
    }
    let many: String = (0..10_000).map(|n| line(&format!("{nothing} {commit} refs/heads/b{n}\n"))).collect();
    let first = line(&format!("{nothing} {commit} refs/heads/b\0report-status"));
    let answer = push(format!("{first}{many}0000").into_bytes()).await;
    assert!(answer.text.contains("ng refs/heads/b Push one branch at a time"), "{answer:?}");
    assert!(answer.text.len() < 4096, "{answer:?}");

    // Questions may be packed, but not be much larger than they look.
    let packed = |question: &[u8]| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(question).unwrap();
        packer.finish().unwrap()
    };
    let headers = [("content-encoding", "gzip"), ("git-protocol", "version=2")];
    let answer = send("upload-pack", packed(b"0014command=ls-refs\n0000"), &headers).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "0000"));
    send("upload-pack", packed(&vec![b'0'; 4 << 20]), &headers).await.refused(413, "too_large");
    send("upload-pack", b"no gzip".to_vec(), &headers).await.refused(400, "malformed_request");
    nothing_is_left(&app, &ada, &service).await;

    let lock = app.state.config.options.data_dir.join("git").join(&service).join("push.lock");
    let held = fs::File::options().write(true).open(lock).unwrap();
    flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
    let answer = push(wish("refs/heads/main").into_bytes()).await;
    assert!(answer.text.contains("Another push to this service goes on"), "{answer:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_repository_goes_with_its_service(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    assert_eq!(ada.get("/git/blog/php.git/info/refs?service=git-upload-pack").await.status, 200);
    let repository = app.state.config.options.data_dir.join("git").join(&service);
    app.state.usecases.collect_garbage().await.unwrap();
    assert!(repository.join("HEAD").exists());
    let mut txn = app.state.store.begin().await.unwrap();
    txn.service_delete(service.parse().unwrap()).await.unwrap();
    txn.commit().await.unwrap();
    app.state.usecases.collect_garbage().await.unwrap();
    assert!(!repository.exists());
}
