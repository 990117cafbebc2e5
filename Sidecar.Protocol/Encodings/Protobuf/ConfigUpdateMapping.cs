using Wire = Sidecar.Protocol.Grpc.Wire;

namespace Sidecar.Protocol.Encodings.Protobuf;

/// <summary>What agents ask about their configuration (spec §6.4, §7.3).</summary>
internal static class ConfigUpdateMapping
{
    public static Wire.ConfigUpdateRequest ToWire(ConfigUpdateRequest request)
    {
        var wire = new Wire.ConfigUpdateRequest { RequestId = request.RequestId, TimestampMs = request.TimestampMs };
        switch (request.Update)
        {
            case RuleUpdate rules:
                wire.RuleUpdate = new Wire.RuleUpdate
                {
                    RuleSet = rules.RuleSet,
                    Rules = { rules.Rules.Select(ToWire) },
                    RemoveRules = { rules.RemoveRules },
                };
                break;

            case ListUpdate list:
                wire.ListUpdate = new Wire.ListUpdate { ListId = list.ListId, Add = { list.Add }, Remove = { list.Remove } };
                break;

            case RestartRequired restart:
                wire.RestartRequired = new Wire.RestartRequired { Reason = restart.Reason, GracePeriodMs = restart.GracePeriodMs };
                break;

            case ConfigError error:
                wire.ConfigError = Optional.Set(
                    new Wire.ConfigError { Error = error.Error }, error.Field, static (to, value) => to.Field = value);
                break;

            default:
                wire.RequestReload = new Wire.RequestReload();
                break;
        }

        return wire;
    }

    /// <summary>The request as it was meant; one that names nothing asks for a reload.</summary>
    /// <exception cref="JsonException">A rule's definition is not JSON.</exception>
    public static ConfigUpdateRequest FromWire(Wire.ConfigUpdateRequest wire) => new()
    {
        RequestId = wire.RequestId,
        TimestampMs = wire.TimestampMs,
        Update = wire.UpdateTypeCase switch
        {
            Wire.ConfigUpdateRequest.UpdateTypeOneofCase.RuleUpdate =>
                new RuleUpdate(wire.RuleUpdate.RuleSet, [.. wire.RuleUpdate.Rules.Select(FromWire)], [.. wire.RuleUpdate.RemoveRules]),
            Wire.ConfigUpdateRequest.UpdateTypeOneofCase.ListUpdate =>
                new ListUpdate(wire.ListUpdate.ListId, [.. wire.ListUpdate.Add], [.. wire.ListUpdate.Remove]),
            Wire.ConfigUpdateRequest.UpdateTypeOneofCase.RestartRequired =>
                new RestartRequired(wire.RestartRequired.Reason, wire.RestartRequired.GracePeriodMs),
            Wire.ConfigUpdateRequest.UpdateTypeOneofCase.ConfigError =>
                new ConfigError(wire.ConfigError.Error, wire.ConfigError.HasField ? wire.ConfigError.Field : null),
            _ => new RequestReload(),
        },
    };

    private static Wire.RuleDefinition ToWire(RuleDefinition rule) => Optional.Set(
        new Wire.RuleDefinition
        {
            Id = rule.Id,
            Priority = rule.Priority,
            DefinitionJson = JsonText.Of(rule.Definition),
            Enabled = rule.Enabled,
            Tags = { rule.Tags },
        },
        rule.Description,
        static (to, value) => to.Description = value);

    private static RuleDefinition FromWire(Wire.RuleDefinition rule) => new()
    {
        Id = rule.Id,
        Priority = rule.Priority,
        Definition = JsonText.Parse(rule.DefinitionJson),
        Enabled = rule.Enabled,
        Description = rule.HasDescription ? rule.Description : null,
        Tags = [.. rule.Tags],
    };
}
