import MQTTProtocol
import Messages
import Metrics
import Model
import Reactor
import TransportCore

/// Chunks of firmware and software (`device-api.md` 9.3).
extension MQTTConnection {
    /// Why a chunk is refused: the text on the error topic.
    private enum ChunkError: String {
        case notFound = "NOT_FOUND"
        case failure = "FAILURE"
        case tooLarge = "PAYLOAD_TOO_LARGE"
    }

    func requestChunk(_ publish: MQTTPublish, in bytes: Span<UInt8>, _ kind: OTAPackageKind, _ session: OpenSession) {
        let prefix: StaticString = kind == .firmware ? "v2/fw/request/" : "v2/sw/request/"
        let topic = bytes.extracting(publish.topic).withUnsafeBytes { ChunkTopic($0, behind: prefix) }
        guard let topic else { preconditionFailure("a chunk topic of another form") }
        let text = bytes.extracting(publish.payload).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard let given = text.isEmpty ? 0 : Int(text), given >= 0 else {
            return close(.serverShuttingDown, .invalidPayload)
        }
        guard given <= transport.configuration.maximumRemainingLength else { return refuseChunk(.tooLarge) }
        let key = OTADownloads.Key(kind: kind, requestID: topic.requestID)
        var download = downloads[key] ?? OTADownloads.Download(chunkSize: 0)
        if given > 0 { download.chunkSize = given }
        downloads.set(download, for: key)
        let asked = download
        let number = publish.qos == .atMostOnce ? nil : pending.append(publish.packetIdentifier)
        let (device, tenant) = (session.info.device.deviceID, session.info.device.tenantID)
        let maximum = transport.configuration.maximumWholePackage
        transport.ask({ api in
            await Self.chunk(topic.chunk, of: asked, kind, device, tenant, maximum: maximum, api)
        }) { [weak self] answer in
            guard let self, self.session != nil else { return }
            switch answer ?? .refused(ChunkError.failure.rawValue) {
            case .refused(let error): refuseChunk(ChunkError(rawValue: error) ?? .failure)
            case .data(let data, let package):
                if var download = downloads[key] {
                    download.package = package
                    downloads.set(download, for: key)
                }
                if let number { acknowledge(number, .success) }
                sendChunk(data, "v2/\(kind.prefix)/response/\(topic.requestID)/chunk/\(topic.chunk)", kind)
            }
        }
    }

    private enum ChunkAnswer: Sendable {
        case data([UInt8], OTAPackageInfo)
        case refused(String)
    }

    private static func chunk(
        _ number: Int64, of download: OTADownloads.Download, _ kind: OTAPackageKind, _ device: DeviceID,
        _ tenant: TenantID, maximum: Int, _ api: any TransportAPI
    ) async -> ChunkAnswer {
        var package = download.package
        if package == nil {
            switch await api.otaPackage(device: device, tenant: tenant, kind: kind) {
            case .found(let found): package = found
            case .notFound: return .refused(ChunkError.notFound.rawValue)
            case .unavailable: return .refused(ChunkError.failure.rawValue)
            }
        }
        guard let package else { return .refused(ChunkError.notFound.rawValue) }
        let size = download.chunkSize == 0 ? Int(package.size) : download.chunkSize
        guard size <= maximum else { return .refused(ChunkError.tooLarge.rawValue) }
        let (offset, isAbsurd) = number.multipliedReportingOverflow(by: Int64(size))
        guard !isAbsurd, offset < package.size else { return .data([], package) }
        guard let data = await api.otaPackageData(package.id, offset: offset, length: size) else {
            return .refused(ChunkError.failure.rawValue)
        }
        return .data(data, package)
    }

    private func sendChunk(_ data: [UInt8], _ topic: String, _ kind: OTAPackageKind) {
        if let connection, data.count > transport.configuration.maximumOutput / 2 {
            // A whole package at once: room for it and for what else may wait.
            connection.outputLimit = max(connection.outputLimit, data.count + transport.configuration.maximumOutput)
        }
        send(kind == .firmware ? .firmwareChunk : .softwareChunk, .long, topic, data)
    }

    private func refuseChunk(_ error: ChunkError) {
        send(.firmwareError, .long, "v2/fw/error", Array(error.rawValue.utf8))
        close(.implementationSpecificError, .otaRefused)
    }
}
