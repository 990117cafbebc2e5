namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Configure (spec §4.9), and what an agent asks about its configuration (spec §6.4).</summary>
internal static partial class Codec<TReader, TWriter>
{
    // A payload without config means null.
    private static readonly Shape<ConfigureEvent> Configure = new(
        "Configure",
        new ConfigureEvent(),
        new("correlation_id", (ref r, m) => m with { CorrelationId = r.ReadCorrelationId() }, (ref w, m) => w.Id(m.CorrelationId)),
        new("config", (ref r, m) => m with { Config = r.ReadJson() }, (ref w, m) => w.JsonOrNull(m.Config)),
        new("config_version", (ref r, m) => m with { ConfigVersion = r.ReadString() }, (ref w, m) => w.String(m.ConfigVersion)));

    private static readonly Shape<RuleDefinition> Rule = new(
        "a rule",
        new RuleDefinition { Id = "", Enabled = true },
        new("id", (ref r, m) => m with { Id = r.ReadString() }, (ref w, m) => w.String(m.Id), IsRequired: true),
        new("priority", (ref r, m) => m with { Priority = r.ReadInt32() }, (ref w, m) => w.Int64(m.Priority)),
        new("definition", (ref r, m) => m with { Definition = r.ReadJson() }, (ref w, m) => w.JsonOrNull(m.Definition)),
        new("enabled", (ref r, m) => m with { Enabled = r.ReadBoolean() }, (ref w, m) => w.Boolean(m.Enabled)),
        new("description", (ref r, m) => m with { Description = r.ReadString() }, (ref w, m) => w.String(m.Description)),
        new("tags", (ref r, m) => m with { Tags = r.ReadStrings() }, (ref w, m) => w.Strings(m.Tags)));

    private static readonly Shape<UpdateParts> Update = new(
        "update_type",
        new UpdateParts(""),
        new("type", (ref r, m) => m with { Type = r.ReadString() }, (ref w, m) => w.String(m.Type)),
        new("rule_set", ReadSubject, WriteSubject, m => m.Type == Rules),
        new("rules", (ref r, m) => m with { Rules = r.ReadList(Rule.Read) },
            (ref w, m) => w.List(m.Rules ?? [], Rule.Write), m => m.Type == Rules),
        new("remove_rules", ReadRemoved, WriteRemoved, m => m.Type == Rules),
        new("list_id", ReadSubject, WriteSubject, m => m.Type == List),
        new("add", (ref r, m) => m with { Add = r.ReadStrings() }, (ref w, m) => w.Strings(m.Add ?? []), m => m.Type == List),
        new("remove", ReadRemoved, WriteRemoved, m => m.Type == List),
        new("reason", ReadSubject, WriteSubject, m => m.Type == Restart),
        new("grace_period_ms", (ref r, m) => m with { Grace = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.Grace), m => m.Type == Restart),
        new("error", ReadSubject, WriteSubject, m => m.Type == Error),
        new("field", (ref r, m) => m with { Field = r.ReadString() }, (ref w, m) => w.String(m.Field), m => m.Type == Error))
    {
        DependsOnFirst = true,
    };

    internal static readonly Shape<ConfigUpdateRequest> ConfigUpdate = new(
        "ConfigUpdateRequest",
        new ConfigUpdateRequest { Update = new RequestReload() },
        new("update_type", (ref r, m) => m with { Update = ReadUpdate(ref r) },
            (ref w, m) => Update.Write(ref w, PartsOf(m.Update)), IsRequired: true),
        new("request_id", (ref r, m) => m with { RequestId = r.ReadString() }, (ref w, m) => w.String(m.RequestId)),
        new("timestamp_ms", (ref r, m) => m with { TimestampMs = r.ReadUInt64() }, (ref w, m) => w.UInt64(m.TimestampMs)));

    private const string Reload = "request_reload";
    private const string Rules = "rule_update";
    private const string List = "list_update";
    private const string Restart = "restart_required";
    private const string Error = "config_error";
    private const string KnownUpdates = $"{Reload}, {Rules}, {List}, {Restart} and {Error}";

    private static ConfigUpdate ReadUpdate(ref TReader r)
    {
        if (r.Kind is ValueKind.String or ValueKind.Binary)
        {
            var name = r.ReadString();
            return name == Reload
                ? new RequestReload()
                : throw ProtocolErrors.Unknown("update_type", name, $"{Reload}, or an object with {KnownUpdates}");
        }

        var parts = Update.Read(ref r);
        return parts.Type switch
        {
            Reload => new RequestReload(),
            Rules => new RuleUpdate(parts.Subject, parts.Rules ?? [], parts.Removed ?? []),
            List => new ListUpdate(parts.Subject, parts.Add ?? [], parts.Removed ?? []),
            Restart => new RestartRequired(parts.Subject, parts.Grace),
            Error => new ConfigError(parts.Subject, parts.Field),
            _ => throw ProtocolErrors.Unknown("the type of update_type", parts.Type, KnownUpdates),
        };
    }

    private static UpdateParts PartsOf(ConfigUpdate update) => update switch
    {
        RuleUpdate rules => new UpdateParts(Rules, rules.RuleSet, rules.Rules, Removed: rules.RemoveRules),
        ListUpdate list => new UpdateParts(List, list.ListId, Add: list.Add, Removed: list.Remove),
        RestartRequired restart => new UpdateParts(Restart, restart.Reason, Grace: restart.GracePeriodMs),
        ConfigError error => new UpdateParts(Error, error.Error, Field: error.Field),
        _ => new UpdateParts(Reload),
    };

    private static UpdateParts ReadSubject(ref TReader r, UpdateParts parts) => parts with { Subject = r.ReadString() };

    private static void WriteSubject(ref TWriter w, UpdateParts parts) => w.String(parts.Subject);

    private static UpdateParts ReadRemoved(ref TReader r, UpdateParts parts) => parts with { Removed = r.ReadStrings() };

    private static void WriteRemoved(ref TWriter w, UpdateParts parts) => w.Strings(parts.Removed ?? []);

    // The members of all kinds of updates, of which each has its own. The subject is a rule set, a list, a reason or an error.
    internal sealed record UpdateParts(
        string Type,
        string Subject = "",
        IReadOnlyList<RuleDefinition>? Rules = null,
        IReadOnlyList<string>? Add = null,
        IReadOnlyList<string>? Removed = null,
        ulong Grace = 0,
        string? Field = null);
}
