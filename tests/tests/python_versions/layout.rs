//! Images made by hand from a root file system, and a registry that serves them.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, LazyLock};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

use crate::world::{Version, debian_root};

/// What the registry wants to be told, and what it then wants to see.
const LOGIN: &str = "Basic dGVzdDpzZWNyZXQ=";
const TOKEN: &str = "Bearer a-token";

/// An OCI layout of one image, made once: the interpreter with what it needs, a layer that takes away and adds, all of it
/// behind an index of two processors.
pub(crate) struct Layout {
    folder: TempDir,
    pub(crate) version: Version,
}

pub(crate) static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let (version, root) = debian_root();
    fs::create_dir_all(folder.path().join("blobs/sha256")).expect("a folder");
    let layout = Layout { folder, version };
    let upper = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(upper.path().join("usr/bin")).expect("a folder");
    fs::write(upper.path().join("usr/bin/.wh.chroot"), "").expect("a file");
    fs::write(upper.path().join("usr/bin/added"), "by the image\n").expect("a file");
    // What nobody here needs makes it small.
    let left_out = ["./usr/share", "*perl*", "./usr/lib/apt", "./usr/sbin"].map(|path| format!("--exclude={path}"));
    let layers = [
        layout.layer(&root, &left_out, "-z"),
        layout.layer(upper.path(), &[], ""),
    ];
    let config = json!({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/nowhere:/usr/bin"]}});
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json"),
        "layers": layers,
    });
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let mut own = layout.blob(manifest.to_string().as_bytes(), kind);
    own["platform"] =
        json!({"os": "linux", "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }});
    let mut other = layout.blob(b"{}", kind);
    other["platform"] = json!({"os": "linux", "architecture": "s390x"});
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": [other, own]});
    let mut index = layout.blob(index.to_string().as_bytes(), kind);
    index["annotations"] = json!({"org.opencontainers.image.ref.name": "tagged"});
    let all = json!({"schemaVersion": 2, "manifests": [index]});
    fs::write(layout.path().join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).expect("a file");
    fs::write(layout.path().join("index.json"), all.to_string()).expect("a file");
    layout
});

impl Layout {
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The digest and file of the largest piece.
    pub(crate) fn largest(&self) -> (String, PathBuf) {
        let blobs = fs::read_dir(self.path().join("blobs/sha256"))
            .expect("a folder")
            .flatten();
        let largest = blobs
            .max_by_key(|blob| blob.metadata().expect("there").len())
            .expect("blobs");
        (
            format!("sha256:{}", largest.file_name().to_string_lossy()),
            largest.path(),
        )
    }

    fn blob(&self, content: &[u8], kind: &str) -> Value {
        let digest = Sha256::digest(content).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("in memory");
            text
        });
        fs::write(self.path().join("blobs/sha256").join(&digest), content).expect("a file");
        json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": content.len()})
    }

    fn layer(&self, folder: &Path, options: &[String], packed: &str) -> Value {
        let mut tar = Command::new("tar");
        tar.args(options)
            .arg(format!("{packed}c"))
            .arg("-C")
            .arg(folder)
            .arg(".");
        let output = tar.env("GZIP", "-1").output().expect("tar starts");
        assert!(output.status.success(), "{output:?}");
        let gzip = if packed.is_empty() { "" } else { "+gzip" };
        self.blob(&output.stdout, &format!("application/vnd.oci.image.layer.v1.tar{gzip}"))
    }
}

/// Serves the layout as `team/python:tagged` to whoever has the login, until the process ends. `spoil` changes the pieces it
/// hands out. Gives back its address.
pub(crate) fn registry(spoil: fn(Vec<u8>) -> Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    let own: Arc<str> = address.as_str().into();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let own = Arc::clone(&own);
            thread::spawn(move || drop(answer(stream, &own, spoil)));
        }
    });
    address
}

fn answer(mut stream: TcpStream, own: &str, spoil: fn(Vec<u8>) -> Vec<u8>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or_else(|| Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut authorization = String::new();
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            value.clone_into(&mut authorization);
        }
    }
    let path = path.split('?').next().unwrap_or_default();
    let (status, kind, body) = if path == "/token" {
        let status = if authorization == LOGIN {
            "200 OK"
        } else {
            "401 Unauthorized"
        };
        (
            status,
            "application/json".to_owned(),
            br#"{"token": "a-token"}"#.to_vec(),
        )
    } else if authorization != TOKEN {
        let body = br#"{"errors": [{"code": "UNAUTHORIZED", "message": "who are you"}]}"#.to_vec();
        ("401 Unauthorized", "application/json".to_owned(), body)
    } else {
        match piece(path) {
            Some((kind, body)) if path.contains("/blobs/") => ("200 OK", kind, spoil(body)),
            Some((kind, body)) => ("200 OK", kind, body),
            None => (
                "404 Not Found",
                "application/json".to_owned(),
                br#"{"errors": []}"#.to_vec(),
            ),
        }
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\
         WWW-Authenticate: Bearer realm=\"http://{own}/token\",service=\"test\"\r\n\r\n"
    )?;
    stream.write_all(&body)
}

/// A piece of the layout by its path in the registry, with its type.
fn piece(path: &str) -> Option<(String, Vec<u8>)> {
    let (kind, name) = path.strip_prefix("/v2/team/python/")?.split_once('/')?;
    let index: Value = serde_json::from_slice(&fs::read(LAYOUT.path().join("index.json")).ok()?).ok()?;
    let digest = match (kind, name) {
        ("manifests", "tagged") => index["manifests"][0]["digest"].as_str()?,
        _ => name,
    };
    let body = fs::read(LAYOUT.path().join("blobs/sha256").join(digest.strip_prefix("sha256:")?)).ok()?;
    let own: Option<Value> = serde_json::from_slice(&body).ok();
    let own = own.and_then(|own| own["mediaType"].as_str().map(str::to_owned));
    Some((own.unwrap_or_else(|| "application/octet-stream".to_owned()), body))
}
