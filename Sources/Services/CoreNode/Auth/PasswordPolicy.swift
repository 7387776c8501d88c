internal import JSON
internal import Storage

/// What passwords must look like (`rest-api.md` 1.8), and how many failures lock an account.
struct PasswordPolicy: Sendable {
    var minimumLength: Int64 = 6
    var maximumLength: Int64 = 72
    var minimumUppercaseLetters: Int64?
    var minimumLowercaseLetters: Int64?
    var minimumDigits: Int64?
    var minimumSpecialCharacters: Int64?
    var allowsWhitespace = true
    var forcesReset = false
    var expirationPeriodDays: Int64?
    var reuseFrequencyDays: Int64?
    /// Failures after which an account is disabled; `nil` for no limit.
    var maximumFailedLogins: Int64?

    /// The policy in the platform's settings, or the default.
    static func load(from database: any StatementRunner) async throws -> PasswordPolicy {
        guard let document = try await AdminSettingsRepository(database).find("securitySettings") else {
            return PasswordPolicy()
        }
        return PasswordPolicy(document.value)
    }

    init() {}

    init(_ settings: JSONValue) {
        let policy = settings["passwordPolicy"]
        func number(_ key: String) -> Int64? { policy?[key]?.integerValue }
        minimumLength = number("minimumLength") ?? minimumLength
        maximumLength = number("maximumLength") ?? maximumLength
        minimumUppercaseLetters = number("minimumUppercaseLetters")
        minimumLowercaseLetters = number("minimumLowercaseLetters")
        minimumDigits = number("minimumDigits")
        minimumSpecialCharacters = number("minimumSpecialCharacters")
        allowsWhitespace = policy?["allowWhitespaces"]?.boolValue ?? true
        forcesReset = policy?["forceUserToResetPasswordIfNotValid"]?.boolValue ?? false
        expirationPeriodDays = number("passwordExpirationPeriodDays")
        reuseFrequencyDays = number("passwordReuseFrequencyDays")
        maximumFailedLogins = settings["maxFailedLoginAttempts"]?.integerValue.flatMap { $0 > 0 ? $0 : nil }
    }

    /// What is wrong with `password`, one message a violation.
    func violations(of password: String) -> [String] {
        var messages: [String] = []
        let length = Int64(password.utf16.count)
        if length < minimumLength {
            messages.append("Password must be \(minimumLength) or more characters in length.")
        }
        if length > maximumLength {
            messages.append("Password must be no more than \(maximumLength) characters in length.")
        }
        func require(_ minimum: Int64?, _ kind: String, _ fits: (Character) -> Bool) {
            guard let minimum, minimum > 0, Int64(password.count(where: fits)) < minimum else { return }
            messages.append("Password must contain \(minimum) or more \(kind) characters.")
        }
        require(minimumUppercaseLetters, "uppercase") { $0.isUppercase }
        require(minimumLowercaseLetters, "lowercase") { $0.isLowercase }
        require(minimumDigits, "digit") { $0.isNumber }
        require(minimumSpecialCharacters, "special") { !$0.isLetter && !$0.isNumber && !$0.isWhitespace }
        if !allowsWhitespace, password.contains(where: \.isWhitespace) {
            messages.append("Password contains a whitespace character.")
        }
        return messages
    }

    func check(_ password: String) throws(APIError) {
        let violations = violations(of: password)
        if !violations.isEmpty { throw .invalid(violations.joined(separator: "\n")) }
    }

    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("minimumLength", minimumLength)
            writer.member("maximumLength", maximumLength)
            writer.member("minimumUppercaseLetters", minimumUppercaseLetters)
            writer.member("minimumLowercaseLetters", minimumLowercaseLetters)
            writer.member("minimumDigits", minimumDigits)
            writer.member("minimumSpecialCharacters", minimumSpecialCharacters)
            writer.member("allowWhitespaces", allowsWhitespace)
            writer.member("forceUserToResetPasswordIfNotValid", forcesReset)
            writer.member("passwordExpirationPeriodDays", expirationPeriodDays)
            writer.member("passwordReuseFrequencyDays", reuseFrequencyDays)
        }
    }
}
