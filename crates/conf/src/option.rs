//! The declaration of options.

/// One option as it is declared: what the sample file, the reference table and the checks know of
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionSpec {
    pub group: &'static str,
    pub name: &'static str,
    /// The kind of value, in words (`boolean`, `list of strings`).
    pub kind: &'static str,
    /// As it would be written in a file; empty for none.
    pub default: &'static str,
    /// Sentences, one element a line.
    pub help: &'static [&'static str],
    /// Former names: `name`, or `group/name` for one of another group.
    pub former: &'static [&'static str],
    /// The least and the greatest number allowed.
    pub within: Option<(i64, i64)>,
    /// Values such as passwords are not repeated in messages.
    pub secret: bool,
    /// This project's own, not known to Neutron.
    pub ours: bool,
}

impl OptionSpec {
    /// `[group] name`.
    pub fn title(&self) -> String {
        format!("[{}] {}", self.group, self.name)
    }

    /// The option's former names, with their groups.
    pub(crate) fn former_names(&self) -> impl Iterator<Item = (&'static str, &'static str)> + '_ {
        self.former.iter().map(|name| name.split_once('/').unwrap_or((self.group, name)))
    }
}

/// Declares the options of a group, or of one topic of a group: a struct with a typed field each,
/// and their table.
///
/// ```text
/// options! {
///     /// What it is for.
///     pub struct Ovs in "ovs" {
///         /// Help, which is also the field's documentation.
///         integration_bridge: String = "br-int";
///         /// With a former name, limits, and a mark for options that Neutron does not have.
///         ovsdb_timeout: u64 = "10", former ["agent/ovsdb_timeout"], within (1, 3600), ours true;
///     }
/// }
/// ```
macro_rules! options {
    (
        $(#[doc = $about:literal])*
        pub struct $Group:ident in $group:literal {
            $(
                $(#[doc = $help:literal])+
                $name:ident : $type:ty = $default:literal
                    $(, former [$($former:literal),+])?
                    $(, within ($least:literal, $most:literal))?
                    $(, ours $ours:literal)?
                ;
            )+
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $Group {
            $( $(#[doc = $help])+ pub $name: $type, )+
        }

        impl $Group {
            /// The declarations, in their order.
            pub const OPTIONS: &'static [$crate::OptionSpec] = &[
                $( $crate::OptionSpec {
                    group: $group,
                    name: stringify!($name),
                    kind: <$type as $crate::value::FromText>::KIND,
                    default: $default,
                    help: &[$($help),+],
                    former: &[$($($former),+)?],
                    within: $crate::option::options!(@within $($least, $most)?),
                    secret: <$type as $crate::value::FromText>::SECRET,
                    ours: $crate::option::options!(@ours $($ours)?),
                }, )+
            ];

            /// `None` when a value is bad; the reader has noted all that are.
            pub(crate) fn read(reader: &mut $crate::reader::Reader<'_>) -> Option<Self> {
                // All are read before any is missed, so that every error is found.
                let mut specs = Self::OPTIONS.iter();
                $( let $name: Option<$type> = specs.next().and_then(|spec| reader.read(spec)); )+
                Some(Self { $( $name: $name?, )+ })
            }
        }
    };
    (@within) => { None };
    (@within $least:literal, $most:literal) => { Some(($least, $most)) };
    (@ours) => { false };
    (@ours $ours:literal) => { $ours };
}

pub(crate) use options;
