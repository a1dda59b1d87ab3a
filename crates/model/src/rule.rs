//! What a value must look like, beyond its type.

/// The restriction on an attribute's value; the type parses, the rule narrows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// The type says it all.
    Plain,
    /// Text of at most so many characters.
    Text(usize),
    /// Text of at most so many characters, not all of them blank.
    SomeText(usize),
    /// A name in DNS, within a domain that is said elsewhere.
    DnsName,
    /// The name of a host in DNS, with its domain or without.
    DnsHost,
    /// A domain of DNS, with the dot at its end.
    DnsDomain,
    /// Letters, `_` and `.`, then digits too; so many characters at most.
    Word(usize),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// An integer within both ends.
    Range(i64, i64),
    /// One of these integers.
    OneOfInt(&'static [i64]),
    /// A list without duplicates, of texts of at most so many characters.
    UniqueTexts(usize),
    /// A dictionary of any content.
    Dict,
}
