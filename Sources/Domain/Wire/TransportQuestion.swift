public import Messages
public import Model

/// A question of a transport, as it travels (`cluster.md` 3.3, TransportApiRequestMsg).
public enum TransportQuestion: Sendable {
    case validate(DeviceCredentialsRequest)
    case validateOrCreate(certificateChain: String)
    case getOrCreateDevice(gateway: DeviceID, name: String, type: String)
    case provision(ProvisionRequest)
    case otaPackage(device: DeviceID, tenant: TenantID, kind: OTAPackageKind)
    case otaPackageData(OTAPackageID, offset: Int64, length: Int)
    case transportLimits(TenantID)
    case queues
}

/// The answer to one (TransportApiResponseMsg).
public enum TransportAnswer: Sendable {
    case credentials(DeviceCredentialsResponse)
    case gatewayDevice(GatewayDeviceResponse)
    case provision(ProvisionResponse)
    case otaPackage(OTAPackageResponse)
    case otaPackageData([UInt8]?)
    case transportLimits(TransportLimits?)
    case queues([QueueRoute])
    /// The question could not be answered; asking again later can help.
    case failure(String)
}
