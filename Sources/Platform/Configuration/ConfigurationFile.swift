import CSettings
import Glibc
public import YAML

/// Why a configuration file cannot be used.
public enum ConfigurationFileError: Error, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case tooLarge(path: String, maximum: Int)
    case malformed(path: String, YAMLError)
    case placeholder(path: String, line: Int, key: String, value: String)

    public var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .tooLarge(let path, let maximum): "\(path): larger than \(maximum) bytes"
        case .malformed(let path, let error): "\(path):\(error.line): \(error.message)"
        case .placeholder(let path, let line, let key, let value):
            "\(path):\(line): \(key) is \"\(value)\"; expected ${NAME:default} or ${NAME}"
        }
    }
}

/// A YAML file of settings in the form of the platform's own `config/*.yml` (`cluster.md` 7): every value has a key path,
/// and stands as `${ENV_NAME:default}` or as it is.
///
/// A placeholder takes the variable where the environment has it, else its default. A value that stands as it is holds
/// whatever the environment says. A key path that no setting has is left out.
public struct ConfigurationFile: Sendable {
    public static let maximumBytes = 1 << 20

    public let path: String
    public let scalars: [YAMLScalar]

    public init(path: String) throws(ConfigurationFileError) {
        try self.init(path: path, text: Self.read(path))
    }

    public init(path: String, text: [UInt8]) throws(ConfigurationFileError) {
        self.path = path
        do {
            scalars = try YAMLDocument.scalars(in: text)
        } catch {
            throw .malformed(path: path, error)
        }
    }

    /// Lays the file over the environment.
    public func source(environment: [String: String]) throws(ConfigurationFileError) -> SettingsSource {
        var source = SettingsSource(environment: environment)
        let names = Self.knownNames
        var isSet: Set<String> = []
        for scalar in scalars {
            guard let text = PlaceholderText(scalar.value) else {
                throw .placeholder(path: path, line: scalar.line, key: scalar.path, value: scalar.value)
            }
            guard let name = names[scalar.path] ?? text.name else {
                source.ignored.append(scalar.path)
                continue
            }
            // One variable may stand at several places; the first one speaks for it.
            guard isSet.insert(name).inserted else { continue }
            source.values[name] = text.resolved(environment)
            source.origins[name] = "\(path):\(scalar.line)"
        }
        return source
    }

    /// The variable of each key path, as the shipped file of the whole platform has them.
    public static let knownNames: [String: String] = {
        let text = UnsafeBufferPointer(start: needletail_settings_text_pointer(), count: needletail_settings_length)
        guard let scalars = try? YAMLDocument.scalars(in: Array(text)) else {
            preconditionFailure("the built-in list of settings is not YAML")
        }
        var names: [String: String] = [:]
        for scalar in scalars { names[scalar.path] = PlaceholderText(scalar.value)?.name }
        return names
    }()

    private static func read(_ path: String) throws(ConfigurationFileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, reason: String(cString: strerror(errno))) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while bytes.count <= maximumBytes {
            var failure: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
                let result = Glibc.read(descriptor, buffer.baseAddress, 65_536)
                if result < 0 { failure = errno }
                count = max(0, result)
            }
            guard failure == 0 else { throw .unreadable(path: path, reason: String(cString: strerror(failure))) }
            guard !piece.isEmpty else { return bytes }
            bytes += piece
        }
        throw .tooLarge(path: path, maximum: maximumBytes)
    }
}
