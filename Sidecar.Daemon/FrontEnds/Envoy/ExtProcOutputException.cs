namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>An answer could not be written: the peer is gone or does not read. No defect of ours.</summary>
internal sealed class ExtProcOutputException(Exception cause) : Exception("an answer could not be written: " + cause.Message, cause);
