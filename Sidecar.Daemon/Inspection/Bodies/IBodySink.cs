namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Takes bytes that have passed everything before it: the next stage of a flow, or its output.</summary>
internal interface IBodySink
{
    /// <summary>Takes bytes. Returns when it does not need them any more.</summary>
    ValueTask PassAsync(BodyPush push, PassedBytes bytes);
}
