namespace Sidecar.Tests.Architecture;

/// <summary>Holds references against a table of rooms.</summary>
internal sealed class RoomRules(IReadOnlyList<Room> rooms)
{
    private const string OurRoot = "Sidecar";
    private const string AspNetCorePrefix = "Microsoft.AspNetCore.";
    private const string Protobuf = "Google.Protobuf";

    /// <summary>One line for each offence, sorted; empty if there is none.</summary>
    public IReadOnlyList<string> Offences(IEnumerable<Reference> references) =>
    [
        .. references.Where(reference => !IsGenerated(reference.From))
            .Select(Judge).OfType<string>().Distinct().Order(StringComparer.Ordinal),
    ];

    /// <summary>The room of a namespace; null if the table does not know it.</summary>
    public Room? Find(string name)
    {
        for (var outer = name; ; outer = outer[..outer.LastIndexOf('.')])
        {
            if (rooms.FirstOrDefault(room => room.Namespace == outer) is { } found)
            {
                // A room that is split into rooms has no others below it than those listed.
                var split = rooms.Any(room => room.Namespace.StartsWith(found.Namespace + ".", StringComparison.Ordinal));
                return outer == name || !split ? found : null;
            }

            if (!outer.Contains('.', StringComparison.Ordinal))
            {
                return null;
            }
        }
    }

    private string? Judge(Reference reference)
    {
        if (Find(reference.From.Namespace) is not { } from)
        {
            return Unknown(reference.From);
        }

        if (!IsOurs(reference.To))
        {
            return JudgeForeign(from, reference);
        }

        if (Find(reference.To.Namespace) is not { } to)
        {
            return Unknown(reference.To);
        }

        return from.Allows(to) ? null : reference.ToString();
    }

    private static string? JudgeForeign(Room from, Reference reference)
    {
        if (!from.MayUseAspNetCore && reference.To.Assembly.StartsWith(AspNetCorePrefix, StringComparison.Ordinal))
        {
            return $"{reference} (this room may not use ASP.NET Core)";
        }

        return !from.MayUseProtobuf && reference.To.Assembly == Protobuf ? $"{reference} (this room may not use Google.Protobuf)" : null;
    }

    private static string Unknown(TypeId type) =>
        $"{type}: the namespace '{type.Namespace}' is in no room. Add it to {nameof(Rooms)} with what it may use, or move the type.";

    private static bool IsOurs(TypeId type) =>
        type.Namespace == OurRoot || type.Namespace.StartsWith(OurRoot + ".", StringComparison.Ordinal);

    // Compilers and source generators put helpers of their own into an assembly.
    private static bool IsGenerated(TypeId type) =>
        (type.Namespace.Length == 0 && type.Name.StartsWith('<'))
        || type.Namespace.StartsWith("System.", StringComparison.Ordinal)
        || type.Namespace.StartsWith("Microsoft.", StringComparison.Ordinal);
}
