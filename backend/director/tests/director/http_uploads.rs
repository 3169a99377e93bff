//! Uploads: through the API and through the page's form, good, bad, too large and cut off.

use crate::support::{Answer, App, Client, UPLOAD_BYTES};
use axum::{
    body::Body,
    http::{Method, header},
};
use sqlx::PgPool;
use std::{fs, io};

const TYPE: &str = "multipart/form-data; boundary=cut-here";

fn archive() -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    let content = b"<?php echo 'hello';";
    let mut head = tar::Header::new_gnu();
    head.set_size(content.len() as u64);
    head.set_mode(0o644);
    archive.append_data(&mut head, "index.php", &content[..]).unwrap();
    archive.into_inner().unwrap()
}

fn multipart(file: &[u8]) -> Vec<u8> {
    let mut body = b"--cut-here\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nFirst version\r\n".to_vec();
    body.extend(b"--cut-here\r\nContent-Disposition: form-data; name=\"file\"; filename=\"site.tar\"\r\n\r\n");
    body.extend(file);
    body.extend(b"\r\n--cut-here--\r\n");
    body
}

async fn upload(client: &Client<'_>, path: &str, body: Body) -> Answer {
    let mut request = client.request(Method::POST, path, body);
    request.headers_mut().insert(header::CONTENT_TYPE, TYPE.parse().unwrap());
    client.send(request).await
}

/// Files of uploads that did not end well.
fn leftovers(app: &App) -> Vec<String> {
    let Ok(entries) = fs::read_dir(app.state.config.options.data_dir.join("blobs")) else { return Vec::new() };
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("incoming"))
        .collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_version_is_uploaded_listed_downloaded_and_removed(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let path = format!("/api/v1/services/{}/versions", ada.php("blog").await);
    let answer = upload(&ada, &path, Body::from(multipart(&archive()))).await;
    let location = answer.headers[header::LOCATION].to_str().unwrap().to_owned();
    let version = answer.expect(201);
    assert_eq!((&version["number"], &version["note"]), (&1.into(), &"First version".into()), "{version}");
    assert_eq!(ada.get(&location).await.expect(200)["name"], "site.tar");
    let file = ada.get(&format!("{location}/file")).await;
    assert_eq!(file.text.as_bytes(), archive());
    assert_eq!(file.headers[header::CONTENT_DISPOSITION], "attachment; filename=\"site.tar\"");
    assert_eq!(ada.delete(&location).await.status, 204);
    ada.get(&location).await.refused(404, "not_found");
    assert_eq!(leftovers(&app), [""; 0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_cannot_be_used_is_refused_and_leaves_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    let (ada, eve) = (app.user("ada").await, app.user("eve").await);
    let path = format!("/api/v1/services/{}/versions", ada.php("blog").await);
    upload(&ada, &path, Body::from(multipart(b"no archive"))).await.refused(422, "bad_archive");
    upload(&ada, &path, Body::from(multipart(&vec![0; UPLOAD_BYTES + 1]))).await.refused(413, "too_large");
    upload(&ada, &path, Body::from("--cut-here--\r\n")).await.refused(422, "invalid_input");
    upload(&eve, &path, Body::from(multipart(&archive()))).await.refused(404, "not_found");
    upload(&app.anybody(), &path, Body::from(multipart(&archive()))).await.refused(401, "not_signed_in");
    assert_eq!(leftovers(&app), [""; 0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_upload_that_breaks_off_leaves_nothing(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let path = format!("/api/v1/services/{}/versions", ada.php("blog").await);
    let whole = multipart(&archive());
    let pieces = vec![Ok(whole[..whole.len() / 2].to_vec()), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let body = Body::from_stream(futures_util::stream::iter(pieces));
    upload(&ada, &path, body).await.refused(400, "malformed_request");
    assert_eq!(leftovers(&app), [""; 0]);
    assert_eq!(ada.get(&path).await.expect(200)["items"].as_array().unwrap().len(), 1, "only the default version");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_form_of_the_page_sends_people_back(pool: PgPool) {
    let app = App::start(pool).await;
    let ada = app.user("ada").await;
    let service = ada.php("blog").await;
    let path = format!("/services/{service}/upload");
    let browser = app.browser("ada").await.with("accept", "text/html,*/*");
    let location = |answer: Answer| {
        assert_eq!(answer.status, 303, "{}", answer.text);
        answer.headers[header::LOCATION].to_str().unwrap().to_owned()
    };
    let good = location(upload(&browser, &path, Body::from(multipart(&archive()))).await);
    assert_eq!(good, format!("/services/{service}#code"));
    let bad = location(upload(&browser, &path, Body::from(multipart(b"no archive"))).await);
    assert!(bad.starts_with(&format!("/services/{service}?")) && bad.contains("__err="), "{bad}");
    let stranger = app.anybody().with("accept", "text/html");
    let login = location(upload(&stranger, &path, Body::from(multipart(&archive()))).await);
    assert!(login.starts_with("/login?next="), "{login}");
    // Scripts get JSON.
    let script = app.browser("ada").await.with("accept", "application/json");
    assert_eq!(upload(&script, &path, Body::from(multipart(&archive()))).await.expect(201)["number"], 2);
}
