using NUnit.Framework;
using Sidecar.Daemon.Configuration;

namespace Sidecar.Tests.Support;

/// <summary>Endpoints of agents as an operator writes them.</summary>
internal static class Endpoints
{
    /// <summary>The one that is written so; the test fails where it is none.</summary>
    public static AgentEndpoint Of(string text)
    {
        var endpoint = AgentEndpoint.Read(text, static error => Assert.Fail(error));
        return endpoint ?? throw new ArgumentException($"'{text}' is no endpoint", nameof(text));
    }
}
