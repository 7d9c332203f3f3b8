// SPDX-License-Identifier: Apache-2.0
//! Bodies by fast-floe. The protocol is in peer.py.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, BufRead, Write};

use fast_floe::{decrypt, encrypt, Key, Parameters};

type Values = HashMap<String, Vec<u8>>;
type Answer = Result<String, Box<dyn Error>>;

fn from_hex(text: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    (0..text.len())
        .step_by(2)
        .map(|at| {
            let pair = text.get(at..at + 2).ok_or("half a byte")?;
            Ok(u8::from_str_radix(pair, 16)?)
        })
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| DIGITS[value as usize] as char;
    bytes.iter().flat_map(|b| [digit(b >> 4), digit(b & 15)]).collect()
}

fn value<'a>(values: &'a Values, name: &str) -> Result<&'a [u8], Box<dyn Error>> {
    Ok(values.get(name).ok_or("a value is missing")?)
}

fn key(values: &Values) -> Result<Key, Box<dyn Error>> {
    let bytes: [u8; Key::LEN] = value(values, "key")?.try_into()?;
    Ok(Key::from_bytes(bytes))
}

fn answer(line: &str) -> Answer {
    let mut words = line.split_whitespace();
    let operation = words.next().ok_or("an empty line")?;
    let mut values = Values::new();
    for word in words {
        let (name, text) = word.split_once('=').ok_or("no value")?;
        values.insert(name.to_string(), from_hex(text)?);
    }
    let aad = value(&values, "aad")?;
    match operation {
        "encrypt" => {
            let length = u32::from_be_bytes(value(&values, "length")?.try_into()?);
            let parameters = Parameters::with_segment_length(length)?;
            let body = encrypt(&key(&values)?, aad, parameters, value(&values, "text")?)?;
            Ok(format!("ok body={}", to_hex(&body)))
        }
        "decrypt" => {
            let text = decrypt(&key(&values)?, aad, value(&values, "body")?)?;
            Ok(format!("ok text={}", to_hex(&text)))
        }
        _ => Err("an unknown operation".into()),
    }
}

fn main() -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let said = answer(&line?).unwrap_or_else(|error| format!("no {error}"));
        writeln!(out, "{said}")?;
        out.flush()?;
    }
    Ok(())
}
