/// A mail that the platform sends by itself.
struct PlatformMail: Sendable {
    var subject: String
    var body: String
    /// The link in it, if there is one.
    var link: String?

    static func activation(link: String, hours: Int64) -> PlatformMail {
        PlatformMail(
            subject: "Your account activation",
            body: """
                You have been registered. To activate your account, follow this link and set a password:

                \(link)

                The link works for \(hours) hours.
                """, link: link)
    }

    static func activated(loginLink: String, email: String) -> PlatformMail {
        PlatformMail(
            subject: "Your account was activated",
            body: """
                Your account \(email) is active. Sign in here:

                \(loginLink)
                """)
    }

    static func resetPassword(link: String, hours: Int64) -> PlatformMail {
        PlatformMail(
            subject: "Password reset",
            body: """
                Somebody, probably you, wants to reset the password of your account. To set a new one, follow this link:

                \(link)

                The link works for \(hours) hours. If it was not you, nothing has to be done.
                """, link: link)
    }

    static func passwordChanged(loginLink: String, email: String) -> PlatformMail {
        PlatformMail(
            subject: "Your password was changed",
            body: """
                The password of your account \(email) was reset. Sign in here:

                \(loginLink)
                """)
    }

    static func accountLocked(_ email: String, attempts: Int64) -> PlatformMail {
        PlatformMail(
            subject: "An account was locked",
            body: "The account \(email) was locked after \(attempts) failed attempts to sign in.")
    }

    static let test = PlatformMail(subject: "Test message", body: "The mail settings work.")
}
