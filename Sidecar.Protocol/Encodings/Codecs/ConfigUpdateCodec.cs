using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>What an agent asks about its configuration (spec §6.4).</summary>
internal static class ConfigUpdateCodec
{
    private const string Known = "request_reload, rule_update, list_update, restart_required and config_error";

    private static readonly MemberTable Members = new(3, "update_type", "request_id", "timestamp_ms");

    private static readonly MemberTable UpdateMembers = new(
        1,
        "type", "rule_set", "rules", "remove_rules", "list_id", "add", "remove", "reason", "grace_period_ms", "error", "field");

    private static readonly MemberTable RuleMembers = UpdateMembers.InOrder("type", "rule_set", "rules", "remove_rules");
    private static readonly MemberTable ListMembers = UpdateMembers.InOrder("type", "list_id", "add", "remove");
    private static readonly MemberTable RestartMembers = UpdateMembers.InOrder("type", "reason", "grace_period_ms");
    private static readonly MemberTable ErrorMembers = UpdateMembers.InOrder("type", "error", "field");

    internal static ConfigUpdateRequest Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        ConfigUpdate? update = null;
        var requestId = "";
        ulong timestamp = 0;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(out update, ReadUpdate(ref r)),
                1 => r.Into(ref requestId),
                _ => r.Into(ref timestamp),
            };
        }

        r.End();
        return new ConfigUpdateRequest
        {
            Update = update ?? throw ProtocolErrors.Missing("ConfigUpdateRequest", "update_type"),
            RequestId = requestId,
            TimestampMs = timestamp,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, ConfigUpdateRequest message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3);
        w.Key("update_type"u8);
        WriteUpdate(ref w, message.Update);
        w.Member("request_id"u8, message.RequestId);
        w.Member("timestamp_ms"u8, message.TimestampMs);
        w.EndMap();
    }

    private static ConfigUpdate ReadUpdate<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        string type = "", first = "";
        string? field = null;
        IReadOnlyList<RuleDefinition> rules = [];
        IReadOnlyList<string> add = [], remove = [];
        ulong grace = 0;
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            type = r.ReadString();
            return string.Equals(type, "request_reload", StringComparison.Ordinal)
                ? new RequestReload()
                : throw ProtocolErrors.Unknown("update_type", type, "request_reload, or an object with " + Known);
        }

        var table = UpdateMembers;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, table, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref type) && r.Into(out table, TableOf(type)),
                2 => r.Into(out rules, r.ReadList(RuleDefinitionCodec.Read)),
                5 => r.Into(ref add),
                3 or 6 => r.Into(ref remove),
                8 => r.Into(ref grace),
                10 => r.Into(ref field),
                _ => r.Into(ref first),
            };
        }

        return type switch
        {
            "request_reload" => new RequestReload(),
            "rule_update" => new RuleUpdate(first, rules, remove),
            "list_update" => new ListUpdate(first, add, remove),
            "restart_required" => new RestartRequired(first, grace),
            "config_error" => new ConfigError(first, field),
            _ => throw ProtocolErrors.Unknown("the type of update_type", type, Known),
        };
    }

    private static MemberTable TableOf(string type) => type switch
    {
        "rule_update" => RuleMembers,
        "list_update" => ListMembers,
        "restart_required" => RestartMembers,
        "config_error" => ErrorMembers,
        _ => UpdateMembers,
    };

    private static void WriteUpdate<TWriter>(ref TWriter w, ConfigUpdate update)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        switch (update)
        {
            case RuleUpdate rules:
                Begin(ref w, "rule_update", 4);
                w.Member("rule_set"u8, rules.RuleSet);
                w.Member("rules"u8, rules.Rules, RuleDefinitionCodec.Write);
                w.Member("remove_rules"u8, rules.RemoveRules);
                break;
            case ListUpdate list:
                Begin(ref w, "list_update", 4);
                w.Member("list_id"u8, list.ListId);
                w.Member("add"u8, list.Add);
                w.Member("remove"u8, list.Remove);
                break;
            case RestartRequired restart:
                Begin(ref w, "restart_required", 3);
                w.Member("reason"u8, restart.Reason);
                w.Member("grace_period_ms"u8, restart.GracePeriodMs);
                break;
            case ConfigError error:
                Begin(ref w, "config_error", 3);
                w.Member("error"u8, error.Error);
                w.Member("field"u8, error.Field);
                break;
            default:
                Begin(ref w, "request_reload", 1);
                break;
        }

        w.EndMap();
    }

    private static void Begin<TWriter>(ref TWriter w, string type, int members)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(members);
        w.Member("type"u8, type);
    }
}
