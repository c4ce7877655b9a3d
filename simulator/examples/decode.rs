//! Prints what the decoder makes of instruction words: hexadecimal numbers, one a line of the standard input.

use std::io::BufRead;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let Some(word) = line.split_whitespace().next() else { continue };
        let i = simulator::decode(u32::from_str_radix(word.trim_start_matches("0x"), 16)?);
        let reads: Vec<String> = i.reads.iter().map(|read| format!("{}:{:?}", read.register, read.role)).collect();
        let writes: Vec<String> = i.writes.iter().map(ToString::to_string).collect();
        let wide = if i.wide { " wide" } else { "" };
        println!("{word} {:?}{wide} reads [{}] writes [{}]", i.kind, reads.join(" "), writes.join(" "));
    }
    Ok(())
}
