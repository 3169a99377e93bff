//! Figures about the work of a service that are no requests: what a kind shows, declared in its template.

use serde::{Deserialize, Serialize};

/// A figure that a kind's program tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FigureSpec {
    /// As the program calls it.
    pub name: String,
    /// Label on pages.
    pub title: String,
    /// What it counts.
    #[serde(default)]
    pub unit: FigureUnit,
    /// The program tells a number that only grows, and its growth per second is shown.
    #[serde(default)]
    pub per_second: bool,
    /// What the figure of all instances together is.
    #[serde(default)]
    pub across: Across,
}

/// What a figure counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum FigureUnit {
    /// Things.
    #[default]
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

/// How the figures of several instances become one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Across {
    /// They are added up.
    #[default]
    Sum,
    /// The largest counts: all tell about the same thing, such as the size of their cluster.
    Most,
}

impl Across {
    /// One figure of two.
    pub fn join(self, one: f64, other: f64) -> f64 {
        match self {
            Self::Sum => one + other,
            Self::Most => one.max(other),
        }
    }
}
