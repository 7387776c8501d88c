internal import CCrypt
internal import Glibc

/// Password hashes of the form `$2a$10$...`, by libcrypt. Deliberately slow: call it on threads kept for blocking work.
public enum BCrypt {
    /// Hashes `password` with a new salt; each step of `cost` doubles the time.
    ///
    /// Only the first 72 bytes of a password count, as everywhere with bcrypt.
    public static func hash(_ password: String, cost: Int = 10) -> String {
        precondition((4...31).contains(cost), "a cost of \(cost); 4 to 31 are possible")
        let random = SecureRandom.bytes(16).map { CChar(bitPattern: $0) }
        var setting = [CChar](repeating: 0, count: Int(CRYPT_GENSALT_OUTPUT_SIZE))
        let made = crypt_gensalt_rn("$2a$", UInt(cost), random, 16, &setting, Int32(setting.count))
        precondition(made != nil, "libcrypt lacks bcrypt")
        guard let hash = crypt(phrase(password), setting) else {
            preconditionFailure("libcrypt lacks bcrypt")
        }
        return hash
    }

    /// Whether `hash` (of the forms `$2a$`, `$2b$` or `$2y$`) was made from `password`. False for any other text.
    public static func verify(_ password: String, hash: String) -> Bool {
        let isBcrypt = ["$2a$", "$2b$", "$2y$"].contains { hash.hasPrefix($0) } && hash.utf8.count == 60
        guard isBcrypt, let computed = crypt(phrase(password), Array(hash.utf8CString)) else {
            return false
        }
        return constantTimeEqual(Array(computed.utf8), Array(hash.utf8))
    }

    /// The bytes that count of a password, with the terminating zero. A zero inside would cut it short, so it is
    /// replaced by a byte that no UTF-8 text contains.
    private static func phrase(_ password: String) -> [CChar] {
        password.utf8.prefix(72).map { CChar(bitPattern: $0 == 0 ? 0xFF : $0) } + [0]
    }

    private static func crypt(_ phrase: [CChar], _ setting: [CChar]) -> String? {
        let size = MemoryLayout<crypt_data>.size
        guard let data = calloc(1, size) else { preconditionFailure("out of memory") }
        defer {
            explicit_bzero(data, size)
            free(data)
        }
        guard let result = crypt_rn(phrase, setting, data, Int32(size)) else { return nil }
        return String(cString: result)
    }
}
