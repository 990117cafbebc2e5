namespace Sidecar.Daemon.Inspection.Bodies;

/// <summary>Takes bytes that have passed everything before it: the next stage of a flow, or its output.</summary>
internal interface IBodySink
{
    /// <summary>Takes bytes, and disposes of them. The push's own bytes must not be kept beyond the push.</summary>
    ValueTask PassAsync(BodyPush push, PassedBytes bytes);
}
