import Glibc

/// Small text files.
public enum TextFile {
    /// The first line of a file, at most 4096 bytes of it; `nil` when it cannot be read.
    public static func firstLine(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = max(0, read(descriptor, buffer.baseAddress, 4096))
        }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}

/// The whole text of a file, where it is no longer than `maximum` bytes; `nil` when it cannot be read.
public enum TextContents {
    public static func read(_ path: String, maximum: Int) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        let bytes = [UInt8](unsafeUninitializedCapacity: maximum) { buffer, count in
            while count < maximum {
                let length = Glibc.read(descriptor, buffer.baseAddress! + count, maximum - count)
                guard length > 0 else { break }
                count += length
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Where the running executable lies.
public enum ExecutablePath {
    public static var current: String? {
        let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { buffer, count in
            count = buffer.withMemoryRebound(to: CChar.self) {
                max(0, readlink("/proc/self/exe", $0.baseAddress!, 4096))
            }
        }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
