//! The upload form posts to a route of the director, not to a server function; its errors come back the same way.

use crate::{PageError, components::UploadForm};
use aerie_domain::Problem;
use server_fn::error::ServerFnUrlError;

/// Where to send (303) a browser whose upload without scripts was refused: the form's page, which shows the problem.
pub fn upload_error_location(form: UploadForm, problem: &Problem) -> String {
    let page = form.page();
    let error = ServerFnUrlError::new(form.name(), PageError::from(problem.clone()));
    // Addresses are built absolute; only path and query are used.
    match error.to_url(&format!("http://localhost{page}")) {
        Ok(url) => format!("{}?{}#{}", url.path(), url.query().unwrap_or_default(), form.section()),
        Err(_) => page,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aerie_domain::ProblemCode;

    #[test]
    fn the_problem_travels_in_the_address() {
        let problem = Problem::new(ProblemCode::BadArchive, "The archive has a link in it.");
        let service = "00000000-0000-0000-0000-000000000000".parse().unwrap();
        let location = upload_error_location(UploadForm::Version(service), &problem);
        assert!(location.starts_with("/services/00000000-0000-0000-0000-000000000000?__path="), "{location}");
        assert!(location.ends_with("#code"), "{location}");
        let encoded = location.split("__err=").nth(1).unwrap().trim_end_matches("#code").replace("%3D", "=");
        assert_eq!(ServerFnUrlError::<PageError>::decode_err(&encoded).problem, problem);
    }
}
