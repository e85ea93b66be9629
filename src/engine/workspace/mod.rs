//! One migration's folder: settings, session, secrets, files.
