using System.Text;
using Google.Protobuf;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Inspection.Ledger;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Protocol.Envoy;
using Sidecar.Protocol.Messages;
using AppendAction = Sidecar.Protocol.Envoy.HeaderValueOption.Types.HeaderAppendAction;

namespace Sidecar.Daemon.FrontEnds.Common;

/// <summary>
/// Header edits as Envoy carries them (proxy integration §3.3, §3.5.14). What it would ignore is not sent but noted. Stateless.
/// </summary>
internal static class EnvoyEdits
{
    /// <summary>The request header by which the upstream learns that an agent was passed by.</summary>
    public const string Bypassed = "x-sidecar-bypassed";

    /// <summary>Adds edits to a mutation.</summary>
    /// <param name="edits">The edits.</param>
    /// <param name="direction">Whose headers they change.</param>
    /// <param name="headers">Those headers as they came; null when nobody has seen them.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="mutation">What Envoy is told; null when the headers are gone, and the edits are only noted.</param>
    /// <returns>False when the exchange must not go on, because an edit that matters cannot be carried.</returns>
    public static bool TryCarry(
        IReadOnlyList<HeaderEdit> edits, Direction direction, HeaderBlock? headers, Exchange exchange, HeaderMutation? mutation)
    {
        var refused = false;
        foreach (var edit in edits)
        {
            if (mutation is null || IsIgnored(edit.Name))
            {
                refused |= Note(exchange, edit, direction, headers);
            }
            else
            {
                Write(edit, mutation);
            }
        }

        return !refused || exchange.Route is { RefusesUnapplied: false };
    }

    /// <summary>Notes a change of body bytes that cannot be carried.</summary>
    public static void NoteBody(Exchange exchange, Direction direction) =>
        exchange.NoteUnapplied(direction == Direction.Request ? "request-body" : "response-body");

    /// <summary>
    /// Whether the headers have no more fields than Envoy takes when they are changed so; beyond that it answers 500 itself.
    /// </summary>
    /// <param name="headers">The headers as they came.</param>
    /// <param name="mutation">What changes.</param>
    /// <param name="most">The fields that Envoy takes.</param>
    public static bool Fits(EnvoyHeaders headers, HeaderMutation mutation, int most) =>
        headers.Fields + mutation.SetHeaders.Count <= most || FieldsAfter(headers, mutation) <= most;

    private static int FieldsAfter(EnvoyHeaders headers, HeaderMutation mutation) =>
        headers.Fields - mutation.RemoveHeaders.Sum(headers.Count)
        + mutation.SetHeaders.Sum(set => set.Append == true ? 1 : 1 - headers.Count(set.Header.Key));

    /// <summary>Notes a set of edits with which Envoy would not take the headers.</summary>
    public static void NoteTooMany(Exchange exchange, Direction direction) =>
        exchange.NoteUnapplied(direction == Direction.Request ? "request-headers-too-many" : "response-headers-too-many");

    /// <summary>Replaces a header's values by one.</summary>
    public static void Set(HeaderMutation mutation, string name, string value) =>
        mutation.SetHeaders.Add(Option(name, value, isAdded: false));

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
    private static bool IsIgnored(string name) =>
        name is "host" || name.StartsWith(':') || name.StartsWith("x-envoy-", StringComparison.Ordinal);

    private static void Write(HeaderEdit edit, HeaderMutation mutation)
    {
        foreach (var operation in edit.Operations())
        {
            if (operation.Kind == HeaderOperationKind.Remove)
            {
                mutation.RemoveHeaders.Add(operation.Name);
            }
            else
            {
                mutation.SetHeaders.Add(Option(operation.Name, operation.Value, isAdded: operation.Kind == HeaderOperationKind.Add));
            }
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
    private static bool Note(Exchange exchange, HeaderEdit edit, Direction direction, HeaderBlock? headers)
    {
        if (edit.IsRemoval && headers?.IndexOf(Encoding.UTF8.GetBytes(edit.Name)) < 0)
        {
            return false;
        }

        exchange.NoteUnapplied(
            (direction == Direction.Request ? "request-header-" : "response-header-") + (edit.IsRemoval ? "remove" : "set"));
        return edit.IsRemoval && direction == Direction.Request;
    }
}
