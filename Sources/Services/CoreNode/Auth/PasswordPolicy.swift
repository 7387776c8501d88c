internal import JSON

/// What passwords must look like (`rest-api.md` 1.8).
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
    init() {}

    init(_ policy: JSONValue?) {
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
    }

    /// Refuses a policy that no password could fulfil: bcrypt takes 72 bytes.
    func checkSelf() throws(APIError) {
        guard (1...72).contains(minimumLength), minimumLength <= maximumLength, maximumLength <= 72 else {
            throw .invalid("Validation error: password lengths must be between 1 and 72")
        }
        let parts = [minimumUppercaseLetters, minimumLowercaseLetters, minimumDigits, minimumSpecialCharacters]
        for part in parts.compactMap({ $0 }) where !(0...maximumLength).contains(part) {
            throw .invalid("Validation error: minimum counts of characters must be between 0 and \(maximumLength)")
        }
        for days in [expirationPeriodDays, reuseFrequencyDays].compactMap({ $0 }) where !(0...36_500).contains(days) {
            throw .invalid("Validation error: periods must be between 0 and 36500 days")
        }
    }

    /// What is wrong with `password`, one message a violation.
    func violations(of password: String) -> [String] {
        var messages: [String] = []
        let length = Int64(password.utf16.count)
        if length < minimumLength {
            messages.append("Password must be \(minimumLength) or more characters in length.")
        }
        // bcrypt looks at 72 bytes; what is behind them must not be ignored in silence.
        if length > maximumLength || password.utf8.count > 72 {
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
