//! Python's literals, as far as NNI's tables use them: dicts, tuples, lists, strings without escapes, numbers, constants.
//!
//! Python prints some objects as calls: `np.float64(9.5)`, `OrderedDict([('a', 1)])`. Those that hold a value are read as it, whatever
//! module's name stands before theirs; all others are [`Literal::Unread`], which may stand where no value is needed. Nothing is called.

/// Deepest nesting.
const DEPTH: usize = 8;
const NO_VALUE: &str = "neither a number, a string, a tuple nor a dict";

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
    /// What is not read: a call, a name, a set.
    Unread,
}

/// What `np.float64(9.5)` and its like are printed with, without numpy's or PyTorch's name; they hold their first argument.
const HOLDERS: [&str; 24] = [
    "float16",
    "float32",
    "float64",
    "longdouble",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "intc",
    "longlong",
    "bool",
    "bool_",
    "str_",
    "array",
    "tensor",
    "Counter",
    "OrderedDict",
    "float",
    "int",
    "dict",
];

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
            None if literal == Literal::Unread => Err(LiteralError { column: 1, reason: NO_VALUE }),
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
            Some(b'<') => self.angled(),
            Some(b'(') => self.sequence(b')', depth),
            Some(b'[') => self.sequence(b']', depth),
            Some(quote @ (b'\'' | b'"')) => self.string(quote),
            Some(_) => self.word(depth),
        }
    }

    fn dict(&mut self, depth: usize) -> Result<Literal<'a>, LiteralError> {
        self.at += 1;
        let mut entries = Vec::new();
        let (mut comma, mut set) = (true, false);
        while !self.take(b'}') {
            if !comma {
                return self.fail("',' or '}' is missing");
            }
            let key = self.literal(depth - 1)?;
            set |= entries.is_empty() && matches!(self.peek(), Some(b',' | b'}'));
            if !set {
                if !self.take(b':') {
                    return self.fail("':' is missing");
                }
                entries.push((key, self.literal(depth - 1)?));
            }
            comma = self.take(b',');
        }
        Ok(if set { Literal::Unread } else { Literal::Dict(entries) })
    }

    /// `<class 'float'>`, as Python prints what has no literal.
    fn angled(&mut self) -> Result<Literal<'a>, LiteralError> {
        let mut open = 0;
        for (i, byte) in self.text[self.at..].bytes().enumerate() {
            open += i32::from(byte == b'<') - i32::from(byte == b'>');
            if open == 0 {
                self.at += i + 1;
                return Ok(Literal::Unread);
            }
        }
        self.fail("'>' is missing")
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
            return self.fail("a string contains escapes (\\), which a table does not need");
        }
        self.at += length + 2;
        Ok(Literal::Text(string))
    }

    fn word(&mut self, depth: usize) -> Result<Literal<'a>, LiteralError> {
        let start = self.at;
        let rest = &self.text[start..];
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"+-._".contains(b)).count();
        let word = &rest[..length];
        self.at += length;
        match word {
            "None" => return Ok(Literal::None),
            "True" => return Ok(Literal::Bool(true)),
            "False" => return Ok(Literal::Bool(false)),
            _ => {}
        }
        if let Ok(n) = word.parse() {
            return Ok(Literal::Int(n));
        }
        if let Ok(x) = word.parse() {
            return Ok(Literal::Float(x));
        }
        if !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.at = start;
            return self.fail(NO_VALUE);
        }
        // A name, perhaps of a call, perhaps of what is called of a call's result.
        let mut literal = Literal::Unread;
        if self.take(b'(') {
            literal = self.call(word.rsplit('.').next().unwrap_or(word), depth)?;
        }
        while self.take(b'.') {
            literal = Literal::Unread;
            self.at += self.text[self.at..].bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
            if self.take(b'(') {
                self.call("", depth)?;
            }
        }
        Ok(literal)
    }

    /// What a printed call stands for; its bracket is open.
    fn call(&mut self, name: &str, depth: usize) -> Result<Literal<'a>, LiteralError> {
        let (mut arguments, mut comma) = (Vec::new(), true);
        while !self.take(b')') {
            if !comma {
                return self.fail("',' or a closing bracket is missing");
            }
            let argument = self.literal(depth - 1)?;
            // An argument with a name says how, not what.
            if self.take(b'=') {
                self.literal(depth - 1)?;
            } else {
                arguments.push(argument);
            }
            comma = self.take(b',');
        }
        // What a defaultdict makes missing items of stands before its items.
        let held = match name {
            "defaultdict" if arguments.len() == 2 => arguments.pop(),
            _ if HOLDERS.contains(&name) => arguments.into_iter().next(),
            _ => None,
        };
        Ok(match (name, held) {
            ("OrderedDict", Some(Literal::Sequence(pairs))) => of_pairs(pairs),
            (_, Some(held)) => held,
            ("OrderedDict" | "dict", None) => Literal::Dict(Vec::new()),
            _ => Literal::Unread,
        })
    }
}

/// The dict of a list of pairs.
fn of_pairs(pairs: Vec<Literal>) -> Literal {
    let pair = |pair| match pair {
        Literal::Sequence(pair) => <[Literal; 2]>::try_from(pair).ok().map(Into::into),
        _ => None,
    };
    pairs.into_iter().map(pair).collect::<Option<_>>().map_or(Literal::Unread, Literal::Dict)
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
    fn printed_objects_are_what_they_hold_or_stay_unread() {
        let get = |text: &'static str| Literal::parse(text).unwrap().get("a").cloned().unwrap_or_else(|| panic!("{text}"));
        for text in [
            "{'a': np.float64(9.5)}",
            "{'a': numpy.float32(9.5)}",
            "{'a': array(9.5)}",
            "{'a': array(9.5, dtype=float32)}",
            "{'a': tensor(9.5, device='cuda:0', dtype=torch.float64)}",
            "{np.str_('a'): 9.5}",
            "OrderedDict([('b', 1), ('a', 9.5)])",
            "OrderedDict({'a': 9.5})",
            "collections.OrderedDict([('a', np.float64(9.5))])",
            "defaultdict(<class 'float'>, {'a': 9.5})",
            "defaultdict(<function <lambda> at 0x7f01>, {'a': 9.5})",
            "Counter({'a': 9.5})",
            "{'when': datetime.datetime(2024, 1, 2), 'on': device(type='cuda'), 'of': {1, 2}, 'at': Path('x').name, 'a': 9.5}",
        ] {
            assert_eq!(get(text), Literal::Float(9.5), "{text}");
        }
        for text in ["{'a': datetime.date(2024, 1, 2)}", "{'a': {1, 2}}", "{'a': <object>}", "{'a': exec('x')}", "{'a': float64()}"]
        {
            assert_eq!(get(text), Literal::Unread, "{text}");
        }
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
