using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Header operations in all their forms (spec §4.10, §4.12).</summary>
internal static class HeaderOperationCodec
{
    private const int Remove = 2;
    private const int Operation = 3;
    private const int Type = 4;
    private const int Name = 5;

    private static readonly MemberTable Members = new(0, "set", "add", "remove", "operation", "type", "name", "value");
    private static readonly MemberTable Arguments = new(2, "name", "value");

    internal static void Write<TWriter>(ref TWriter w, HeaderOperation operation)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        var remove = operation.Kind == HeaderOperationKind.Remove;
        w.BeginMap(1);
        w.Key(remove ? "remove"u8 : operation.Kind == HeaderOperationKind.Set ? "set"u8 : "add"u8);
        w.BeginMap(remove ? 1 : 2);
        w.Member("name"u8, operation.Name);
        if (!remove)
        {
            w.Member("value"u8, operation.Value);
        }

        w.EndMap();
        w.EndMap();
    }

    internal static HeaderOperation Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        HeaderOperationKind? kind = null;
        string? name = null;
        var value = "";
        var scope = r.BeginMap();
        while (r.NextOrNull(ref scope, Members, out var member))
        {
            switch (member)
            {
                case <= Remove:
                    kind = OnlyOne(kind, (HeaderOperationKind)member);
                    ReadArguments(ref r, ref name, ref value);
                    break;
                case Operation or Type:
                    kind = OnlyOne(kind, KindOf(r.ReadString()));
                    break;
                case Name:
                    name = r.ReadString();
                    break;
                default:
                    value = r.Kind == ValueKind.Null ? SkipNull(ref r) : r.ReadText();
                    break;
            }
        }

        return new HeaderOperation(
            kind ?? throw new ProtocolException("a header operation is none we know; known are set, add and remove"),
            string.IsNullOrEmpty(name) ? throw ProtocolErrors.Missing("a header operation", "name") : name,
            kind == HeaderOperationKind.Remove ? "" : value);
    }

    private static void ReadArguments<TReader>(ref TReader r, ref string? name, ref string value)
        where TReader : struct, IValueReader, allows ref struct
    {
        // {"remove":"name"} is how the Go SDK's gRPC form writes it.
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            name = r.ReadString();
            return;
        }

        var scope = r.BeginStruct();
        while (r.Next(ref scope, Arguments, out var member))
        {
            _ = member == 0 ? r.Into(ref name) : r.Into(out value, r.ReadText());
        }
    }

    private static HeaderOperationKind OnlyOne(HeaderOperationKind? before, HeaderOperationKind kind) =>
        before is null || before == kind
            ? kind
            : throw new ProtocolException($"a header operation is both {before} and {kind}; it must be one");

    private static HeaderOperationKind KindOf(string name) => name switch
    {
        "set" => HeaderOperationKind.Set,
        "add" => HeaderOperationKind.Add,
        "remove" => HeaderOperationKind.Remove,
        _ => throw ProtocolErrors.Unknown("the header operation", name, "set, add and remove"),
    };

    private static string SkipNull<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        r.Skip();
        return "";
    }
}
