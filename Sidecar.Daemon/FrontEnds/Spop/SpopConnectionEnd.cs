using System.Runtime.InteropServices;
using Sidecar.Protocol.Spop;

namespace Sidecar.Daemon.FrontEnds.Spop;

/// <summary>Why a connection ends. Set once; used in the log, in the metric and in what HAProxy is told.</summary>
/// <param name="Reason">A bounded word, the label of the metric.</param>
/// <param name="Status">What HAProxy is told; null when it is gone and cannot be told.</param>
/// <param name="Message">In words.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SpopConnectionEnd(string Reason, SpopStatus? Status, string Message)
{
    /// <summary>HAProxy closed without a word, as 3.1 and newer do.</summary>
    public static SpopConnectionEnd Closed => new("closed", null, "HAProxy closed the connection");

    /// <summary>HAProxy said that it goes.</summary>
    public static SpopConnectionEnd Disconnected(in SpopDisconnect said) => new("disconnected", SpopStatus.Normal, $"HAProxy said {said.Code}: {said.Message}");

    /// <summary>A health check was answered.</summary>
    public static SpopConnectionEnd Checked => new("health-check", null, "the health check is answered");

    /// <summary>The listener stops.</summary>
    public static SpopConnectionEnd Stopped => new("stopped", SpopStatus.Normal, "the sidecar stops");

    /// <summary>The same, and HAProxy has been told already.</summary>
    public static SpopConnectionEnd Left => Stopped with { Status = null };

    /// <summary>The peer was too slow.</summary>
    public static SpopConnectionEnd TooSlow(string message) => new("timeout", SpopStatus.Timeout, message);

    /// <summary>The peer did not say who it is.</summary>
    public static SpopConnectionEnd NoHello(TimeSpan limit) => TooSlow($"no HAPROXY-HELLO within {limit.TotalSeconds:0.###} s");

    /// <summary>The peer does not read what we send.</summary>
    public static SpopConnectionEnd NotReading => new("not-reading", null, "HAProxy does not read our answers");

    /// <summary>The connection broke.</summary>
    public static SpopConnectionEnd Broken(string message) => new("broken", null, message);

    /// <summary>The peer broke the rules.</summary>
    public static SpopConnectionEnd Violation(in SpopError error) => new("violation", error.Status, error.Message);

    /// <summary>Whether the answers under way are still wanted.</summary>
    public bool IsOrderly => Reason == Stopped.Reason;
}
