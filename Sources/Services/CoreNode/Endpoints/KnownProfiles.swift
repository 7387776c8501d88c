internal import Model
internal import Storage
internal import Synchronization

/// Profiles that many entities of one transaction refer to, by their ids: each is read once.
final class KnownProfiles: Sendable {
    let devices = Mutex<[UUID128: DeviceProfile]>([:])
    let assets = Mutex<[UUID128: AssetProfile]>([:])

    func route(of device: Device) -> MessageRoute? {
        devices.withLock { $0[device.deviceProfileID.uuid].map { MessageRoute($0) } }
    }

    func route(of asset: Asset) -> MessageRoute? {
        assets.withLock { $0[asset.assetProfileID.uuid].map { MessageRoute($0) } }
    }
}
