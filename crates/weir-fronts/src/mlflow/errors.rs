//! MLflow's error codes and how a refusal looks on its wire.

use axum::body::Body;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use serde::Serialize;
use weir_core::error::{Code, Error};
use weir_store::telemetry::StoreError;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $name:literal, $status:ident;)+) => {
        /// MLflow's error codes, as far as Weir says them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ErrorCode { $($(#[$doc])* $code,)+ }

        impl ErrorCode {
            pub(crate) fn as_str(self) -> &'static str { match self { $(Self::$code => $name,)+ } }
            pub(crate) fn status(self) -> StatusCode { match self { $(Self::$code => StatusCode::$status,)+ } }
        }
    };
}

codes! {
    /// A field is missing, malformed or not allowed.
    InvalidParameterValue = "INVALID_PARAMETER_VALUE", BAD_REQUEST;
    /// The request as a whole cannot be understood.
    BadRequest = "BAD_REQUEST", BAD_REQUEST;
    /// The name is taken.
    ResourceAlreadyExists = "RESOURCE_ALREADY_EXISTS", BAD_REQUEST;
    /// There is no such thing.
    ResourceDoesNotExist = "RESOURCE_DOES_NOT_EXIST", NOT_FOUND;
    /// No key, or an unknown one.
    Unauthenticated = "UNAUTHENTICATED", UNAUTHORIZED;
    /// The key may not do that.
    PermissionDenied = "PERMISSION_DENIED", FORBIDDEN;
    /// It is something else already.
    ResourceConflict = "RESOURCE_CONFLICT", CONFLICT;
    /// Not with this store.
    NotImplemented = "NOT_IMPLEMENTED", NOT_IMPLEMENTED;
    /// The store cannot do it now; the client tries again.
    TemporarilyUnavailable = "TEMPORARILY_UNAVAILABLE", SERVICE_UNAVAILABLE;
    /// A defect of Weir's.
    InternalError = "INTERNAL_ERROR", INTERNAL_SERVER_ERROR;
}

/// A refusal in MLflow's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
}

impl Refused {
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// 400 `INVALID_PARAMETER_VALUE`.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameterValue, message)
    }

    /// 404 `RESOURCE_DOES_NOT_EXIST`.
    pub(crate) fn missing(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceDoesNotExist, message)
    }

    /// 400 `RESOURCE_ALREADY_EXISTS`.
    pub(crate) fn exists(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::ResourceAlreadyExists, message)
    }

    pub(crate) fn to_http(&self) -> Response<Body> {
        #[derive(Serialize)]
        struct Form<'a> {
            error_code: &'a str,
            message: &'a str,
        }
        let form = Form { error_code: self.code.as_str(), message: &self.message };
        let mut answer = Response::new(Body::from(serde_json::to_vec(&form).unwrap_or_default()));
        *answer.status_mut() = self.code.status();
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.code == ErrorCode::TemporarilyUnavailable {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        answer
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::new(ErrorCode::TemporarilyUnavailable, error.to_string()),
            StoreError::Unsupported(_) => Self::invalid(error.to_string()),
            StoreError::Incompatible(_) => Self::new(ErrorCode::InternalError, error.to_string()),
        }
    }
}

impl From<&Error> for Refused {
    fn from(error: &Error) -> Self {
        let code = match error.code {
            Code::InvalidApiKey => ErrorCode::Unauthenticated,
            Code::PermissionDenied => ErrorCode::PermissionDenied,
            Code::Overloaded | Code::StoreUnavailable => ErrorCode::TemporarilyUnavailable,
            Code::NotFound => ErrorCode::ResourceDoesNotExist,
            Code::Internal => ErrorCode::InternalError,
            _ => ErrorCode::InvalidParameterValue,
        };
        Self::new(code, error.message.clone())
    }
}

/// A refusal of whoever guards the routes.
#[must_use]
pub fn refusal(_: &HeaderMap, error: &Error) -> Response<Body> {
    Refused::from(error).to_http()
}
