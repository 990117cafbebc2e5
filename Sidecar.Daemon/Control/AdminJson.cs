using System.Text.Json.Serialization;
using Sidecar.Daemon.Control.Documents;

namespace Sidecar.Daemon.Control;

/// <summary>The documents of the admin listener as JSON. Names of fields are those of the properties in snake case, and stay.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Skip,
    WriteIndented = true)]
[JsonSerializable(typeof(StatusDocument))]
[JsonSerializable(typeof(AgentsDocument))]
[JsonSerializable(typeof(SessionsDocument))]
[JsonSerializable(typeof(StickySessionsDocument))]
[JsonSerializable(typeof(StickyClearedDocument))]
[JsonSerializable(typeof(ConfigPushesDocument))]
[JsonSerializable(typeof(ConfigPushDocument))]
[JsonSerializable(typeof(ErrorDocument))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>By this a client knows whom it has asked.</summary>
    public const string DaemonName = "sidecar";
}

/// <summary>What operators send. A misspelt field is refused, not ignored.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ConfigPushOrder))]
internal sealed partial class OrderJson : JsonSerializerContext;
