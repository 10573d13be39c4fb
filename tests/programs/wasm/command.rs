//! A command of WASI that the tests compile and deploy: what it is to do is the text of its event.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::{env, fs, process};

fn main() {
    let mut event = String::new();
    std::io::stdin().read_to_string(&mut event).expect("text");
    eprintln!("{} bytes came", event.len());
    let text = event.trim().trim_matches('"');
    let (case, rest) = text.split_once(' ').unwrap_or((text, ""));
    match case {
        "context" => print!("{}", env::var("SCF_CONTEXT").expect("a context")),
        "surroundings" => print!(
            "{:?} {:?} {:?}",
            env::args().collect::<Vec<_>>(),
            env::var("SCF_FUNCTIONNAME").is_ok(),
            env::var("MINE")
        ),
        "trap" => outer(rest.len()),
        "exit" => process::exit(rest.parse().expect("a number")),
        "loop" => loop {
            std::hint::black_box(rest);
        },
        "hog" => {
            let mut kept: Vec<Vec<u8>> = Vec::new();
            loop {
                kept.push(vec![1; 1 << 20]);
                std::hint::black_box(&kept);
            }
        }
        "write" => {
            let bytes = vec![b'x'; rest.parse().expect("a number")];
            std::io::stdout().write_all(&bytes).expect("room");
        }
        "read" => attempt(fs::read_to_string(rest)),
        "list" => attempt(fs::read_dir(rest).map(|entries| {
            let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text"));
            let mut names: Vec<_> = names.collect();
            names.sort();
            names.join(" ")
        })),
        "create" => attempt(fs::write(rest, "mine").map(|()| "written".to_owned())),
        "connect" => attempt(TcpStream::connect(rest).map(|_| "connected".to_owned())),
        _ => print!("{event}"),
    }
}

/// Says what came of it.
fn attempt(result: std::io::Result<String>) {
    match result {
        Ok(text) => print!("ok {text}"),
        Err(error) => print!("error {:?} {error}", error.kind()),
    }
}

#[inline(never)]
fn outer(length: usize) {
    let list = vec![0; length];
    // Beyond the end.
    println!("{}", inner(&list));
}

#[inline(never)]
fn inner(list: &[u8]) -> u8 {
    list[list.len() + 1]
}
