using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The rules of a rule update (spec §6.4).</summary>
internal static class RuleDefinitionCodec
{
    private static readonly MemberTable Members = new(6, "id", "priority", "definition", "enabled", "description", "tags");

    internal static void Write<TWriter>(ref TWriter w, RuleDefinition rule)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(6);
        w.Member("id"u8, rule.Id);
        w.Key("priority"u8);
        w.Int64(rule.Priority);
        w.Member("definition"u8, rule.Definition);
        w.Member("enabled"u8, rule.Enabled);
        w.Member("description"u8, rule.Description);
        w.Member("tags"u8, rule.Tags);
        w.EndMap();
    }

    internal static RuleDefinition Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        string? id = null, description = null;
        var priority = 0;
        JsonElement? definition = null;
        var enabled = true;
        IReadOnlyList<string> tags = [];
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(out priority, r.ReadInt32()),
                2 => r.Into(ref definition),
                3 => r.Into(ref enabled),
                4 => r.Into(ref description),
                _ => r.Into(ref tags),
            };
        }

        return new RuleDefinition
        {
            Id = id ?? throw ProtocolErrors.Missing("a rule", "id"),
            Priority = priority,
            Definition = definition,
            Enabled = enabled,
            Description = description,
            Tags = tags,
        };
    }
}
