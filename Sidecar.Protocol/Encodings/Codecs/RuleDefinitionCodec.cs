using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The rules of a rule update (spec §6.4).</summary>
internal static class RuleDefinitionCodec
{
    private static readonly MemberTable Members = new(6, "id", "priority", "definition", "enabled", "description", "tags");

    internal static void ReadList<TReader>(ref TReader r, List<RuleDefinition> rules)
        where TReader : struct, IValueReader, allows ref struct
    {
        rules.Clear();
        for (var list = r.BeginArray(); r.NextItem(ref list);)
        {
            rules.Add(Read(ref r));
        }
    }

    internal static void WriteList<TWriter>(ref TWriter w, IReadOnlyList<RuleDefinition> rules)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginArray(rules.Count);
        foreach (var rule in rules)
        {
            w.BeginMap(6);
            w.Key("id"u8);
            w.String(rule.Id);
            w.Key("priority"u8);
            w.Int64(rule.Priority);
            w.Key("definition"u8);
            w.JsonOrNull(rule.Definition);
            w.Key("enabled"u8);
            w.Boolean(rule.Enabled);
            w.Key("description"u8);
            w.StringOrNull(rule.Description);
            w.Key("tags"u8);
            w.Strings(rule.Tags);
            w.EndMap();
        }

        w.EndArray();
    }

    private static RuleDefinition Read<TReader>(ref TReader r)
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
            switch (member)
            {
                case 0:
                    id = r.ReadString();
                    break;
                case 1:
                    priority = r.ReadInt32();
                    break;
                case 2:
                    definition = r.ReadJson();
                    break;
                case 3:
                    enabled = r.ReadBoolean();
                    break;
                case 4:
                    description = r.ReadString();
                    break;
                case 5:
                    tags = r.ReadStrings();
                    break;
            }
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
