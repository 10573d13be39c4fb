//! Python as its users know it: native libraries, processes, threads, the standard library.

use std::fs;
use std::process::Command;

use serde_json::json;
use skiff_tests::{Package, Spec};

use crate::common::{client, python};

#[test]
fn a_native_library_of_the_package_is_loaded_and_called() {
    let folder = tempfile::tempdir().expect("a folder");
    let (source, library) = (folder.path().join("sum.c"), folder.path().join("libsum.so"));
    fs::write(
        &source,
        "long sum(const long *n, int count) { long s = 0; while (count--) s += n[count]; return s; }",
    )
    .expect("a file");
    let built = Command::new("gcc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source)
        .status()
        .expect("gcc");
    assert!(built.success());
    let code = "
import ctypes
library = ctypes.CDLL('./lib/libsum.so')
found = ctypes.CDLL('libnamed.so')

def main_handler(event, context):
    numbers = (ctypes.c_long * len(event))(*event)
    return [library.sum(numbers, len(event)), found.sum(numbers, 1)]
";
    let library = fs::read(&library).expect("the library");
    // The loader looks into LD_LIBRARY_PATH, where /var/user is.
    let package = Package::python(code)
        .file("lib/libsum.so", &library)
        .file("libnamed.so", &library);
    let answer = Spec::package(package).deploy(&client()).invoke(&json!([1, 2, 39]));
    assert_eq!(answer.returned(), &json!([42, 1]));
}

#[test]
fn processes_threads_and_their_locks_work() {
    let code = "
import asyncio, concurrent.futures, multiprocessing, queue, subprocess, threading

def square(n):
    return n * n

async def later(n):
    await asyncio.sleep(0)
    return n

def main_handler(event, context):
    with multiprocessing.Pool(2) as pool:
        pooled = pool.map(square, range(5))
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        threaded = list(threads.map(square, range(5)))
    with concurrent.futures.ProcessPoolExecutor(2) as processes:
        processed = list(processes.map(square, range(3)))
    shared, lock, items = multiprocessing.Value('i', 0), multiprocessing.Lock(), multiprocessing.Queue()
    child = multiprocessing.Process(target=items.put, args=('from a child',))
    child.start()
    said = items.get()
    child.join()
    async def both():
        return await asyncio.gather(later(1), later(2))
    shell = subprocess.run('echo shell | tr a-z A-Z', shell=True, capture_output=True, text=True).stdout
    return [pooled, threaded, processed, said, asyncio.run(both()), shell, shared.value, child.exitcode]
";
    let expected = json!([
        [0, 1, 4, 9, 16],
        [0, 1, 4, 9, 16],
        [0, 1, 4],
        "from a child",
        [1, 2],
        "SHELL\n",
        0,
        0
    ]);
    assert_eq!(python(code).invoke(&json!({})).returned(), &expected);
}

#[test]
fn the_standard_library_finds_what_it_needs() {
    let code = "
import datetime, hashlib, json, lzma, os, re, shutil, socket, sqlite3, ssl, tempfile, time, urllib.request, zlib, zoneinfo

def main_handler(event, context):
    database = sqlite3.connect('/tmp/data.db')
    database.execute('create table if not exists t (n int)')
    database.execute('insert into t values (1)')
    database.commit()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(__file__, folder)
        os.chmod(os.path.join(folder, 'index.py'), 0o755)
        copied = os.listdir(folder)
    return {
        'sqlite': database.execute('select count(*) from t').fetchone()[0], 'copied': copied,
        'sha': hashlib.sha256(b'x').hexdigest()[:8], 'lzma': lzma.decompress(lzma.compress(b'y')).decode(),
        'zone': str(datetime.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo('Asia/Shanghai')).utcoffset()),
        'certificates': ssl.create_default_context().cert_store_stats()['x509'] > 10,
        'localhost': socket.gethostbyname('localhost'), 'api': list(json.load(urllib.request.urlopen(os.environ['SKIFF_API_ENDPOINT']))),
        'now': abs(time.time() - event) < 3600, 'time zone': time.tzname[0],
    }
";
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let expected = json!({
        "sqlite": 1, "copied": ["index.py"], "sha": "2d711642", "lzma": "y", "zone": "8:00:00", "certificates": true,
        "localhost": "127.0.0.1", "api": ["Response"], "now": true, "time zone": "UTC",
    });
    assert_eq!(python(code).invoke(&json!(now)).returned(), &expected);
}

#[test]
fn what_a_module_does_to_the_interpreter_stays_in_its_instance() {
    let spoils = "
import builtins, json, os, sys
builtins.print = lambda *words: None
json.dumps = lambda *a, **k: 'spoiled'
sys.path.clear()
os.environ['SPOILED'] = 'yes'
def main_handler(event, context): return 1
";
    assert_eq!(python(spoils).invoke(&json!({})).returned(), 1);
    let looks = "
import json, os, sys
def main_handler(event, context):
    print('printed')
    return [json.dumps([1]), 'SPOILED' in os.environ, sys.path[0]]
";
    let answer = python(looks).invoke(&json!({}));
    assert_eq!(answer.returned(), &json!(["[1]", false, "/var/user"]));
    assert!(answer.log.contains("\nprinted\n"), "{}", answer.log);
}
