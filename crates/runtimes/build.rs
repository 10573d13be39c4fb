//! Compiles the Java runtime for Java 8 and leaves what comes of it to `include_bytes!`: a jar of the runtime, one of the
//! classes that functions may count on, the classes it warms itself with, and a library for what Java has no words for.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use std::{env, io};

/// The oldest that functions are run by, and so what nearly all of it is compiled for.
const RELEASE: &str = "8";
/// From here on compilers leave more to Java itself, which the warm-up must have met.
const RELEASE_MODERN: &str = "9";
const MEND: &str = "building Skiff needs a JDK, 9 or newer, for its Java runtime: install one, e.g. `apt-get install \
                    default-jdk-headless`, or set JAVA_HOME to the folder of yours";

fn main() {
    println!("cargo::rerun-if-changed=src/java");
    println!("cargo::rerun-if-env-changed=JAVA_HOME");
    let variable = |name: &str| PathBuf::from(env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}")));
    let sources = variable("CARGO_MANIFEST_DIR").join("src/java");
    let out = variable("OUT_DIR").join("java");
    // Classes of sources that are gone must not be packed.
    match fs::remove_dir_all(&out) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{}: {error}", out.display()),
        _ => {}
    }
    let jdk = jdk();
    let compile = |name: &str, release: &str, class_path: &Path| {
        let classes = out.join(name);
        let mut javac = Command::new(jdk.join("bin/javac"));
        javac.args(["--release", release, "-encoding", "UTF-8", "-g:source,lines"]);
        // Newer compilers warn that so old a release will go one day.
        javac
            .args(["-Xlint:-options", "-cp"])
            .arg(class_path)
            .arg("-d")
            .arg(&classes);
        run(javac.args(files(&sources.join(name), "java")));
        classes
    };
    let api = compile("api", RELEASE, Path::new(""));
    let runtime = compile("boot", RELEASE, Path::new(""));
    compile("warm", RELEASE, &api);
    compile("warm9", RELEASE_MODERN, &api);
    pack(&jdk, &runtime, &out.join("runtime.jar"));
    pack(&jdk, &api, &out.join("scf-java-events.jar"));
    link(&jdk, &sources.join("native.c"), &out.join("libskiffjava.so"));
}

/// The JDK's folder: `JAVA_HOME`, or where the `javac` of the search path is.
fn jdk() -> PathBuf {
    let is_one = |home: &PathBuf| home.join("bin/javac").is_file() && home.join("include/jni.h").is_file();
    if let Some(home) = env::var_os("JAVA_HOME").map(PathBuf::from).filter(is_one) {
        return home;
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).filter_map(|folder| fs::canonicalize(folder.join("javac")).ok());
    let mut homes = found.filter_map(|javac| Some(javac.parent()?.parent()?.to_owned()));
    homes.find(is_one).unwrap_or_else(|| panic!("{MEND}"))
}

/// All files below a folder with this ending, in order.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A jar of these classes, the same for the same classes.
fn pack(jdk: &Path, classes: &Path, jar: &Path) {
    let mut command = Command::new(jdk.join("bin/jar"));
    // Nothing but the classes, as they are: nobody waits for them to be unpacked.
    command.arg("cf0M").arg(jar);
    for class in files(classes, "class") {
        // The first day that a zip can tell, and one more for time zones.
        let day = SystemTime::UNIX_EPOCH + Duration::from_secs(3653 * 24 * 3600);
        let set = File::options()
            .write(true)
            .open(&class)
            .and_then(|file| file.set_modified(day));
        set.unwrap_or_else(|error| panic!("{}: {error}", class.display()));
        let name = class.strip_prefix(classes).expect("below it");
        command.arg("-C").arg(classes).arg(name);
    }
    run(&mut command);
}

fn link(jdk: &Path, source: &Path, library: &Path) {
    let mut build = cc::Build::new();
    build.opt_level(2).pic(true).warnings(true).cargo_metadata(false);
    build.include(jdk.join("include")).include(jdk.join("include/linux"));
    let mut compiler = build.get_compiler().to_command();
    run(compiler.arg("-shared").arg("-s").arg("-o").arg(library).arg(source));
}

fn run(command: &mut Command) {
    let program = command.get_program().to_owned();
    match command.status() {
        Ok(status) if status.success() => {}
        Ok(status) => panic!("{} failed ({status}), see above. {MEND}", program.display()),
        Err(error) => panic!("{} did not start: {error}. {MEND}", program.display()),
    }
}
