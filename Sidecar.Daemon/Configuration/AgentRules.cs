using System.Text.Json;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration;

/// <summary>What is said of one agent, looked at together.</summary>
internal static class AgentRules
{
    // One process each.
    private const int MostEndpoints = 16;

    /// <summary>Adds every error of an agent's endpoints.</summary>
    /// <param name="spec">Where they are written.</param>
    /// <param name="endpoints">Those that could be read.</param>
    /// <param name="written">How many were written.</param>
    public static void CheckEndpoints(ISettingPlace spec, IReadOnlyList<AgentEndpoint> endpoints, int written)
    {
        if (written > MostEndpoints)
        {
            spec.Error($"{written} endpoints are given, an agent may have {MostEndpoints}");
        }

        if (endpoints.OfType<AgentEndpoint.Reverse>().Any() && written > 1)
        {
            spec.Error(AgentEndpoint.MustStandAlone(new AgentEndpoint.Reverse().ToString()));
        }

        foreach (var twice in endpoints.GroupBy(static endpoint => endpoint).Where(static group => group.Count() > 1))
        {
            spec.Error($"endpoint {twice.Key} is given {twice.Count()} times");
        }
    }

    /// <summary>Adds every error of what an agent's settings say together, and reads its configuration.</summary>
    /// <param name="spec">Where they are written.</param>
    /// <param name="agent">What was read of it.</param>
    /// <returns>The agent with its configuration.</returns>
    public static AgentOptions Complete(ISettingPlace spec, AgentOptions agent)
    {
        // Otherwise somebody believes that a connection is encrypted which is not.
        if (agent.Tls is not null && !agent.Endpoints.All(static endpoint => endpoint is AgentEndpoint.Grpc { IsEncrypted: true }))
        {
            var keys = agent.Values.Written.Where(static setting => setting.Group == SettingGroup.AgentTls).Select(spec.NameOf);
            spec.Error($"{string.Join(", ", keys)} is for TLS, but not every endpoint begins with https://");
        }

        if (agent.Tls is { Key: not null, Certificate: null } && !spec.IsWritten(AgentSettings.Certificate))
        {
            spec.Error(AgentSettings.CertificateKey, $"is the key of {spec.NameOf(AgentSettings.Certificate)}, which is missing");
        }

        return agent with { Configuration = ReadConfiguration(spec, agent.ConfigurationFile) };
    }

    private static JsonElement? ReadConfiguration(ISettingPlace spec, string? path)
    {
        if (path is null)
        {
            return null;
        }

        try
        {
            return ConfigurationFile.Read(path);
        }
        catch (IOException e)
        {
            spec.Error(e.Message);
            return null;
        }
    }
}
