namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Header operations in all their forms (spec §4.10, §4.12).</summary>
internal static partial class Codec<TReader, TWriter>
{
    private const int RemoveVariant = 2;
    private const int OperationType = 4;
    private const int OperationName = 5;

    private static readonly MemberTable OperationMembers = new(0, "set", "add", "remove", "operation", "type", "name", "value");
    private static readonly MemberTable ArgumentMembers = new(2, "name", "value");

    private static readonly WireNames<HeaderOperationKind> Operations = new(
        ("set", HeaderOperationKind.Set), ("add", HeaderOperationKind.Add), ("remove", HeaderOperationKind.Remove));

    private static void WriteHeaderOperation(ref TWriter w, HeaderOperation operation)
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

    private static HeaderOperation ReadHeaderOperation(ref TReader r)
    {
        string? variant = null, name = null;
        var value = "";
        var scope = r.BeginMap();
        while (r.NextOrNull(ref scope, OperationMembers, out var member))
        {
            switch (member)
            {
                case <= RemoveVariant:
                    variant = OnlyOne("a header operation", variant, OperationMembers.Name(member));
                    ReadArguments(ref r, ref name, ref value);
                    break;
                case <= OperationType:
                    variant = OnlyOne("a header operation", variant, r.ReadString());
                    break;
                case OperationName:
                    name = r.ReadString();
                    break;
                case var _ when r.Kind == ValueKind.Null:
                    r.Skip();
                    break;
                default:
                    value = r.ReadText();
                    break;
            }
        }

        var kind = Operations.Parse(
            "the header operation",
            variant ?? throw new ProtocolException("a header operation is none we know; known are set, add and remove"));
        return new HeaderOperation(
            kind,
            string.IsNullOrEmpty(name) ? throw ProtocolErrors.Missing("a header operation", "name") : name,
            kind == HeaderOperationKind.Remove ? "" : value);
    }

    private static void ReadArguments(ref TReader r, ref string? name, ref string value)
    {
        // {"remove":"name"} is how the Go SDK's gRPC form writes it.
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            name = r.ReadString();
            return;
        }

        var scope = r.BeginStruct();
        while (r.Next(ref scope, ArgumentMembers, out var member))
        {
            _ = member == 0 ? Set(out name, r.ReadString()) : Set(out value, r.ReadText());
        }
    }
}
