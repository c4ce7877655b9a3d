//! Python's literals, as far as NNI's tables use them: dicts, tuples, lists, strings without escapes, numbers, constants.

/// Deepest nesting.
const DEPTH: usize = 8;

/// A literal's value; strings are parts of the text.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal<'a> {
    /// `None`.
    None,
    /// `True`, `False`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; `nan` and `inf` too, which Python prints but does not read.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// A tuple or a list.
    Sequence(Vec<Literal<'a>>),
    /// A dict, in its order.
    Dict(Vec<(Literal<'a>, Literal<'a>)>),
}

/// A text that is no literal of these.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column {column}: {reason}")]
pub struct LiteralError {
    /// Where, counted in bytes from 1.
    pub column: usize,
    /// What is wrong.
    pub reason: &'static str,
}

impl<'a> Literal<'a> {
    /// Reads a text that is one literal and nothing else.
    ///
    /// # Errors
    /// [`LiteralError`].
    pub fn parse(text: &'a str) -> Result<Self, LiteralError> {
        let mut parser = Parser { text, at: 0 };
        let literal = parser.literal(DEPTH)?;
        match parser.peek() {
            None => Ok(literal),
            Some(_) => parser.fail("text follows the literal"),
        }
    }

    /// The value that a dict has for a name.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            // As in Python, the last one counts.
            Self::Dict(entries) => entries.iter().rev().find(|(key, _)| *key == Literal::Text(name)).map(|(_, value)| value),
            _ => None,
        }
    }

    /// A number's value.
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Int(n) => Some(n as f64),
            Self::Float(x) => Some(x),
            _ => None,
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn fail<T>(&self, reason: &'static str) -> Result<T, LiteralError> {
        Err(LiteralError { column: self.at + 1, reason })
    }

    /// The next byte that is not blank.
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn literal(&mut self, depth: usize) -> Result<Literal<'a>, LiteralError> {
        if depth == 0 {
            return self.fail("nested too deeply");
        }
        match self.peek() {
            None => self.fail("a value is missing"),
            Some(b'{') => self.dict(depth),
            Some(b'(') => self.sequence(b')', depth),
            Some(b'[') => self.sequence(b']', depth),
            Some(quote @ (b'\'' | b'"')) => self.string(quote),
            Some(_) => self.word(),
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Literal<'a>, LiteralError> {
        self.at += 1;
        let mut entries = Vec::new();
        let mut comma = true;
        while !self.take(b'}') {
            if !comma {
                return self.fail("',' or '}' is missing");
            }
            let key = self.literal(depth - 1)?;
            if !self.take(b':') {
                return self.fail("':' is missing");
            }
            entries.push((key, self.literal(depth - 1)?));
            comma = self.take(b',');
        }
        Ok(Literal::Dict(entries))
    }

    fn sequence(&mut self, end: u8, depth: usize) -> Result<Literal<'a>, LiteralError> {
        self.at += 1;
        let mut items = Vec::new();
        let mut comma = true;
        while !self.take(end) {
            if !comma {
                return self.fail("',' or a closing bracket is missing");
            }
            items.push(self.literal(depth - 1)?);
            comma = self.take(b',');
        }
        if end == b')' && items.len() == 1 && !comma {
            return self.fail("a tuple of one item needs a comma");
        }
        Ok(Literal::Sequence(items))
    }

    fn string(&mut self, quote: u8) -> Result<Literal<'a>, LiteralError> {
        let rest = &self.text[self.at + 1..];
        let Some(length) = rest.bytes().position(|b| b == quote) else {
            return self.fail("a string has no end");
        };
        let string = &rest[..length];
        if string.contains('\\') {
            return self.fail("a string with escapes is not needed in a table");
        }
        self.at += length + 2;
        Ok(Literal::Text(string))
    }

    fn word(&mut self) -> Result<Literal<'a>, LiteralError> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"+-._".contains(b)).count();
        let word = &rest[..length];
        let literal = match word {
            "None" => Literal::None,
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            _ => match (word.parse(), word.parse()) {
                (Ok(n), _) => Literal::Int(n),
                (_, Ok(x)) => Literal::Float(x),
                _ => return self.fail("neither a number, a string, a tuple nor a dict"),
            },
        };
        self.at += length;
        Ok(literal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_as_python_prints_them() {
        let text = "{'a': (1, -2.5,), \"b\": [None, True, 1e3, nan], 'c': {}, 'd': ()}";
        let literal = Literal::parse(text).unwrap();
        assert_eq!(literal.get("a"), Some(&Literal::Sequence(vec![Literal::Int(1), Literal::Float(-2.5)])));
        let Some(Literal::Sequence(items)) = literal.get("b") else { panic!("{literal:?}") };
        assert_eq!(items[..3], [Literal::None, Literal::Bool(true), Literal::Float(1000.0)]);
        assert!(items[3].number().is_some_and(f64::is_nan));
        assert_eq!((literal.get("c"), literal.get("d")), (Some(&Literal::Dict(vec![])), Some(&Literal::Sequence(vec![]))));
        assert_eq!(Literal::parse("{'a': 1, 'a': 2}").unwrap().get("a"), Some(&Literal::Int(2)));
    }

    #[test]
    fn everything_else_is_refused_with_its_column() {
        for (text, column, reason) in [
            ("", 1, "missing"),
            ("{'a' 1}", 6, "':'"),
            ("{'a': 1 'b': 2}", 9, "','"),
            ("(1 2)", 4, "','"),
            ("'abc", 1, "no end"),
            (r"'a\n'", 1, "escapes"),
            ("__import__('os')", 1, "neither"),
            ("1 + 1", 3, "follows"),
            ("((((((((((1))))))))))", 9, "deeply"),
            ("(1,, 2)", 4, "neither"),
            ("(1)", 4, "comma"),
        ] {
            let error = Literal::parse(text).unwrap_err();
            assert_eq!(error.column, column, "{text}: {error}");
            assert!(error.reason.contains(reason), "{text}: {error}");
        }
    }
}
