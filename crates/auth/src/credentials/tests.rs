//! The credentials file: made once, kept, closed to others, whole or not there.

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn created_credentials_are_found_again_and_closed_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let Loaded::Created(created) = Credentials::load_or_create(dir.path()).unwrap() else {
        panic!("an empty folder has none");
    };
    assert!(created.secret_id.as_str().starts_with("AKID"));
    assert_eq!(created.secret_key.reveal().len(), RANDOM_CHARS);
    let path = dir.path().join(FILE_NAME);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        Credentials::load_or_create(dir.path()).unwrap(),
        Loaded::Existing(created)
    );
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        1,
        "nothing else is left in the folder"
    );
}

#[test]
fn what_a_killed_start_left_behind_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("credentials.json.new"), "{\"secret").unwrap();
    assert!(matches!(
        Credentials::load_or_create(dir.path()),
        Ok(Loaded::Created(_))
    ));
}

#[test]
fn two_created_pairs_differ() {
    assert_ne!(Credentials::random().unwrap(), Credentials::random().unwrap());
}

#[test]
fn a_file_others_can_read_or_nobody_can_understand_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    for (text, mode, exposed) in [
        (r#"{"secret_id":"AKIDx","secret_key":"y"}"#, 0o644, true),
        (r#"{"secret_id":"AKIDx","secret_key":"y"}"#, 0o640, true),
        (r#"{"secret_id":"AK/IDx","secret_key":"y"}"#, 0o600, false),
        (r#"{"secret_id":"AKIDx","secret_key":""}"#, 0o600, false),
        ("", 0o600, false),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        match Credentials::load_or_create(dir.path()).unwrap_err() {
            CredentialFileError::Exposed { .. } => assert!(exposed, "{text} {mode:o}"),
            CredentialFileError::Malformed { .. } => assert!(!exposed, "{text} {mode:o}"),
            CredentialFileError::Io { source, .. } => panic!("{source}"),
        }
    }
}

#[test]
fn a_key_is_never_shown() {
    let credentials = Credentials::new("AKIDlocaltest", "localsecret").unwrap();
    assert!(!format!("{credentials:?}").contains("localsecret"));
}
