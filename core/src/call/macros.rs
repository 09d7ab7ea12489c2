//! Macros that declare the values of a response once, so that the fields, their keys and their decoding cannot disagree.

/// Declares a record (`record:`) or a summary (`head:`). Each field is followed by its key.
macro_rules! answer {
    (
        $part:ident:
        $(#[$attribute:meta])*
        pub struct $name:ident<'a> {
            $($(#[$field_attribute:meta])* pub $field:ident: $type:ty = $key:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct $name<'a> {
            $(
                $(#[$field_attribute])*
                #[serde(rename = $key, skip_serializing_if = "crate::json::TakeValue::missing")]
                pub $field: $type,
            )*
        }

        impl<'a> $name<'a> {
            pub(super) const KEYS: &'static [$crate::json::Key] = {
                let keys = &[$($crate::json::key!($key)),*];
                assert!(keys.len() <= $crate::json::slots::$part, "there are more keys than slots for their values");
                keys
            };

            /// Fills the fields in the order of the keys.
            #[cfg_attr(target_os = "none", inline(never))]
            pub(super) fn fill(mut values: $crate::json::Values<'a>) -> Self {
                Self { $($field: values.take()),* }
            }
        }
    };
}

/// Declares an enum of words that the gateway uses.
macro_rules! words {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $word:literal,)*
        }
    ) => {
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $name {
            $($(#[$variant_attribute])* $variant,)*
        }

        impl $name {
            /// Returns the word as the gateway writes it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl $crate::json::FromRaw for $name {
            fn from_raw(raw: &[u8]) -> Option<Self> {
                const VALUES: &[$name] = &[$($name::$variant),*];
                VALUES.get($crate::json::position(raw, &[$($word),*])).copied()
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

pub(super) use {answer, words};
