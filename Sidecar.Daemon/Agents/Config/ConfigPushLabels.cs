using Sidecar.Protocol.Messages;

namespace Sidecar.Daemon.Agents.Config;

/// <summary>The words for states and requests in metrics, logs and answers to operators: a bounded set.</summary>
internal static class ConfigPushLabels
{
    /// <summary>A push's state.</summary>
    public static string Of(ConfigPushState state) => state switch
    {
        ConfigPushState.Pending => "pending",
        ConfigPushState.Sent => "sent",
        ConfigPushState.Acknowledged => "acknowledged",
        ConfigPushState.Failed => "failed",
        _ => "expired",
    };

    /// <summary>What an agent asks, as it is written on the wire (spec §6.4).</summary>
    public static string Of(ConfigUpdate update) => update switch
    {
        RequestReload => "request_reload",
        RuleUpdate => "rule_update",
        ListUpdate => "list_update",
        RestartRequired => "restart_required",
        _ => "config_error",
    };
}
