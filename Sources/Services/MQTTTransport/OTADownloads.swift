import Messages
import Model

/// The OTA downloads of one connection (`device-api.md` 9.3): the package of a request id stays the same, and so does the
/// size of its chunks unless another one is given.
struct OTADownloads {
    struct Key: Hashable {
        var kind: OTAPackageKind
        var requestID: String
    }

    struct Download {
        /// 0: everything at once.
        var chunkSize: Int
        /// Unknown until the first chunk has been asked for.
        var package: OTAPackageInfo?
    }

    /// More downloads of one connection push out the oldest.
    static let maximumDownloads = 16
    private var downloads: [Key: Download] = [:]
    private var order: [Key] = []

    subscript(key: Key) -> Download? { downloads[key] }

    mutating func set(_ download: Download, for key: Key) {
        if downloads.updateValue(download, forKey: key) == nil {
            order.append(key)
            if order.count > Self.maximumDownloads { downloads[order.removeFirst()] = nil }
        }
    }
}
