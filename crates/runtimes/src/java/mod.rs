//! Java: what its root file system is made of and how it boots.

use std::path::{Path, PathBuf};

use skiff_domain::limits::MEMORY_MB_MAX;
use skiff_sandbox::{BinaryFile, Bind, Boot, Command, Template};

use crate::host;

/// What `build.rs` makes of the sources beside this file.
macro_rules! built {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/java/", $name))
    };
}

/// The runtime; it needs nothing but Java itself.
const FILES: [(&str, &[u8]); 6] = [
    ("runtime.jar", built!("runtime.jar")),
    ("libskiffjava.so", built!("libskiffjava.so")),
    // What packages may count on: on the class path of children, too (CONTRACT 1.3).
    ("lib/scf-java-events.jar", built!("scf-java-events.jar")),
    ("warm/warm/Probe.class", built!("warm/warm/Probe.class")),
    ("warm/warm/Probe$Thing.class", built!("warm/warm/Probe$Thing.class")),
    ("warm/warm/Modern.class", built!("warm9/warm/Modern.class")),
];

/// What Java is told when it starts, before anybody knows the function. Of a version that lacks one of these it is no error.
const FLAGS: &[&str] = &[
    "-XX:+IgnoreUnrecognizedVMOptions",
    // The collector, the compiler and the heap that take the least: what a function's memory is for is the function.
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:CICompilerCount=1",
    "-Xms4m",
    "-XX:MinHeapFreeRatio=20",
    "-XX:MaxHeapFreeRatio=40",
    // Counters in a file of /tmp, which is the function's.
    "-XX:-UsePerfData",
    // The archive of Java's own classes where it was made for: its pages are then shared by all stem cells.
    "-XX:+UnlockDiagnosticVMOptions",
    "-XX:ArchiveRelocationMode=0",
    // How often Java looks for monitors it can let go of: four times a second is much for those who wait for a call.
    "-XX:AsyncDeflationInterval=10000",
    // From 18 to 21: a first call by reflection without the making of classes for it, as before and up to 17.
    "-Djdk.reflect.useDirectMethodHandle=false",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
    "-Djava.security.egd=file:/dev/urandom",
    // Java believes it; the runtime goes there once there is code.
    "-Duser.dir=/var/user",
    "-Djava.system.class.loader=skiff.Loader",
];

/// The contract's own folder for a version (CONTRACT 1.4).
fn folder(major: u32) -> String {
    format!("/var/lang/java{major}")
}

/// The contract's own folder for the platform's part.
fn own_folder(major: u32) -> String {
    format!("/var/runtime/java{major}")
}

/// The variables that are Java's own (CONTRACT 1.3).
pub(crate) fn environment(major: u32) -> [(&'static str, String); 2] {
    let own = own_folder(major);
    [
        ("CLASSPATH", format!("{own}:{own}/lib/*:/opt")),
        ("_", format!("{}/bin/java", folder(major))),
    ]
}

/// Where Debian's packages have a Java.
pub(crate) fn debian_home(major: u32) -> String {
    let processor = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let jre = if major == 8 { "/jre" } else { "" };
    format!("/usr/lib/jvm/java-{major}-openjdk-{processor}{jre}")
}

/// The host's own, where it has one; or the newest suite of Debian that does.
pub(crate) fn usual_source(major: u32) -> Option<String> {
    let home = debian_home(major);
    if Path::new(&home).join("bin/java").is_file() {
        return Some(format!("dir:{home}"));
    }
    let suite = match major {
        8 => "sid",
        11 => "bullseye",
        17 => "bookworm",
        21 => "trixie",
        _ => return None,
    };
    Some(format!("debian:{suite}"))
}

/// Puts a Java into a root that has its libraries: `home` is where it is on the host, in this tree.
pub(crate) fn install(mut template: Template, major: u32, home: &Path, tree: &Path) -> Template {
    let (folder, own) = (folder(major), own_folder(major));
    template.binds.push(Bind {
        source: home.to_owned(),
        target: PathBuf::from(&folder),
    });
    // Where Debian has what its Java reads.
    template
        .binds
        .extend(host::bind(tree, &format!("/etc/java-{major}-openjdk")));
    template.blobs.extend(FILES.map(|(name, content)| BinaryFile {
        path: Path::new(&own).join(name),
        content: content.to_owned(),
    }));
    let mut argv = vec![format!("{folder}/bin/java")];
    argv.extend(FLAGS.iter().map(|flag| (*flag).to_owned()));
    argv.extend([
        // With the heap of the largest function it is in nobody's way, and what ends a function is the memory limit of its
        // sandbox.
        format!("-Xmx{MEMORY_MB_MAX}m"),
        "-cp".to_owned(),
        format!("{own}/runtime.jar"),
        "skiff.Main".to_owned(),
    ]);
    template.boot = Boot::Exec(Command {
        argv,
        // The loader, the C library and Java read these once, when the program starts.
        environment: [
            "LD_LIBRARY_PATH=/var/user:/opt",
            // The one with UTF-8 that every distribution has.
            "LC_ALL=C.UTF-8",
            // A share of the heap of C for each of many threads is memory for nothing.
            "MALLOC_ARENA_MAX=2",
        ]
        .map(str::to_owned)
        .to_vec(),
    });
    template
}
