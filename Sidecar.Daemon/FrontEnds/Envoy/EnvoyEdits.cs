using System.Text;
using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using AppendAction = Sidecar.Protocol.Envoy.HeaderValueOption.Types.HeaderAppendAction;

namespace Sidecar.Daemon.FrontEnds.Envoy;

/// <summary>Header edits as Envoy carries them (proxy integration §3.3, §3.5.14). What it would ignore is not sent but counted. Stateless but for the counters.</summary>
internal sealed class EnvoyEdits(string listener, SidecarMetrics metrics)
{
    /// <summary>The request header by which the upstream learns that an agent was passed by.</summary>
    public const string Bypassed = "x-sidecar-bypassed";

    /// <summary>Adds edits to a mutation.</summary>
    /// <param name="edits">The edits.</param>
    /// <param name="direction">Whose headers they change.</param>
    /// <param name="headers">Those headers as they came.</param>
    /// <param name="route">The route; null when none took the request.</param>
    /// <param name="mutation">What Envoy is told.</param>
    /// <returns>False when the exchange must not go on, because an edit that matters cannot be carried.</returns>
    public bool TryCarry(IReadOnlyList<HeaderEdit> edits, Direction direction, HeaderBlock headers, RouteModel? route, HeaderMutation mutation)
    {
        var refused = false;
        foreach (var edit in edits)
        {
            if (IsIgnored(edit.Name))
            {
                refused |= Count(edit, direction, headers);
            }
            else
            {
                Write(edit, mutation);
            }
        }

        return !refused || route is { RefusesUnapplied: false };
    }

    /// <summary>Counts edits that come when their headers are gone.</summary>
    /// <param name="edits">The edits.</param>
    /// <param name="direction">Whose headers they change.</param>
    /// <param name="headers">Those headers as they came; null when nobody has seen them.</param>
    /// <param name="route">The route; null when none took the request.</param>
    /// <returns>False when the exchange must not go on, because an edit that matters is among them.</returns>
    public bool TryMiss(IReadOnlyList<HeaderEdit> edits, Direction direction, HeaderBlock? headers, RouteModel? route)
    {
        var refused = false;
        foreach (var edit in edits)
        {
            refused |= Count(edit, direction, headers);
        }

        return !refused || route is { RefusesUnapplied: false };
    }

    /// <summary>Counts a change of body bytes that cannot be carried.</summary>
    public void CountBody(Direction direction) => metrics.Unapplied(listener, direction == Direction.Request ? "request-body" : "response-body");

    /// <summary>Replaces a header's values by one.</summary>
    public static void Set(HeaderMutation mutation, string name, string value) => mutation.SetHeaders.Add(Option(name, value, isAdded: false));

    /// <summary>Tells the upstream why a request passes without having been inspected as it should; without effect when it was.</summary>
    public static void Mark(HeaderMutation mutation, Cause cause)
    {
        if (cause != Cause.None)
        {
            Set(mutation, Bypassed, cause.Label());
        }
    }

    /// <summary>The headers of a reply: each name replaces what Envoy's own reply has, further values are added.</summary>
    public static HeaderMutation ForReply(IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        var mutation = new HeaderMutation();
        var named = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, value) in headers)
        {
            mutation.SetHeaders.Add(Option(name, value, isAdded: !named.Add(name)));
        }

        return mutation;
    }

    // Envoy's default mutation rules: routing headers and its own are ignored, or an error where disallow_is_error is set.
    private static bool IsIgnored(string name) => name is "host" || name.StartsWith(':') || name.StartsWith("x-envoy-", StringComparison.Ordinal);

    private static void Write(HeaderEdit edit, HeaderMutation mutation)
    {
        if (!edit.KeepOriginal && edit.Values.Count == 0)
        {
            mutation.RemoveHeaders.Add(edit.Name);
        }

        for (var i = 0; i < edit.Values.Count; i++)
        {
            mutation.SetHeaders.Add(Option(edit.Name, edit.Values[i], isAdded: edit.KeepOriginal || i > 0));
        }
    }

    // Releases read one of the two append fields, and raw_value only; a value beside it is an error.
    private static HeaderValueOption Option(string name, string value, bool isAdded) => new()
    {
        Header = new HeaderValue { Key = name, RawValue = ByteString.CopyFromUtf8(value) },
        Append = isAdded,
        AppendAction = isAdded ? AppendAction.AppendIfExistsOrAdd : AppendAction.OverwriteIfExistsOrAdd,
    };

    // True for the removal of a request header that is there: somebody behind us would see what an agent wanted hidden.
    private bool Count(HeaderEdit edit, Direction direction, HeaderBlock? headers)
    {
        var isRemoval = !edit.KeepOriginal && edit.Values.Count == 0;
        if (isRemoval && headers?.IndexOf(Encoding.UTF8.GetBytes(edit.Name)) < 0)
        {
            return false;
        }

        metrics.Unapplied(listener, (direction == Direction.Request ? "request-header-" : "response-header-") + (isRemoval ? "remove" : "set"));
        return isRemoval && direction == Direction.Request;
    }
}
