using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>
/// Makes the bounds of connections fit into what the process may have open (RLIMIT_NOFILE): the daemon must never run out of descriptors,
/// because agents, files and the runtime itself need them at the worst moment.
/// </summary>
/// <param name="Options">The options, with every listener's bound settled.</param>
/// <param name="Warning">What was lowered and how to have more; null when nothing was.</param>
/// <param name="Error">Why the daemon cannot run so; null when it can.</param>
internal sealed record DescriptorPlan(ConfigurationSnapshot Options, string? Warning, string? Error)
{
    /// <summary>
    /// What the process has open by itself: 160. The runtime keeps two for each of some 70 assemblies; pipes, timers and logs have the
    /// rest.
    /// </summary>
    public const int Own = 160;

    /// <summary>What a listener gets at least where the limit is low: 2, so that one stuck connection is not all it has.</summary>
    public const int Least = 2;

    private const string HowToRaise = "LimitNOFILE= in the unit, or ulimit -n";

    /// <summary>Settles the bounds.</summary>
    /// <param name="options">What the operator wrote.</param>
    /// <param name="limit">How many descriptors the process may have open.</param>
    /// <param name="reserve">How many of them no connection of a listener may take.</param>
    public static DescriptorPlan Fit(ConfigurationSnapshot options, int limit, int reserve)
    {
        var open = options.Listeners.Where(static listener => listener.MaxConnections is null).ToList();
        var said = options.Listeners.Sum(static listener => (long)(listener.MaxConnections ?? 0));
        var wanted = open.Sum(static listener => (long)listener.Connections);
        var fixedPart = Own + reserve + options.Listeners.Count + AgentConnections(options);
        var room = limit - fixedPart - said;
        if (room < Least * (long)open.Count)
        {
            var least = fixedPart + said + (Least * (long)open.Count);
            return new DescriptorPlan(options, null, $"the limit of open files is {limit}, but at least {least} are needed: {Own} for the "
                + $"process itself, {reserve} in reserve, {options.Listeners.Count} for listeners, {AgentConnections(options)} for agents, "
                + $"{said + (Least * (long)open.Count)} for connections{Named(options)}; raise it "
                + $"({HowToRaise}){(said > 0 ? " or lower max-connections=" : "")}");
        }

        if (wanted <= room)
        {
            return new DescriptorPlan(
                options with
                {
                    Listeners = [.. options.Listeners.Select(static listener => listener with { MaxConnections = listener.Connections })],
                }, null,
                null);
        }

        var share = (room - (Least * (double)open.Count)) / Math.Max(1, wanted - (Least * (long)open.Count));
        var listeners = options.Listeners.Select(
            listener => listener with { MaxConnections = listener.MaxConnections ?? Lowered(listener.Connections, share) })
            .ToList();
        var lowered = listeners.Where((_, index) => options.Listeners[index].MaxConnections is null)
            .Select(static listener => $"{listener.Name} {listener.MaxConnections}");
        return new DescriptorPlan(
            options with { Listeners = listeners },
            $"the limit of open files is {limit}: the connections of listeners are bounded to {string.Join(", ", lowered)}; for the usual "
            + $"bounds raise it to {fixedPart + said + wanted} ({HowToRaise}), or say max-connections=", null);
    }

    private static int Lowered(int usual, double share) => Least + (int)((usual - Least) * share);

    private static long AgentConnections(ConfigurationSnapshot options) => options.Agents.Sum(agent =>
        (long)Math.Max(agent.Endpoints.Count, agent.Pool.Over(options.Pool).Get(CallSettings.Connections)));

    private static string Named(ConfigurationSnapshot options)
    {
        var named = options.Listeners.Where(static listener => listener.MaxConnections is not null)
            .Select(static listener => $"{listener.Name} max-connections={listener.MaxConnections}").ToList();
        return named.Count == 0 ? "" : $" ({string.Join(", ", named)})";
    }
}
