using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>Configure (spec §4.9). A payload without <c>config</c> means null.</summary>
internal static class ConfigureCodec
{
    private static readonly MemberTable Members = new(3, "correlation_id", "config", "config_version");

    internal static ConfigureEvent Read<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        CorrelationId id = default;
        JsonElement? config = null;
        string? version = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, Members, out var member))
        {
            _ = member switch
            {
                0 => r.Into(ref id),
                1 => r.Into(ref config),
                _ => r.Into(ref version),
            };
        }

        return new ConfigureEvent { CorrelationId = id, Config = config, ConfigVersion = version };
    }

    internal static void Write<TWriter>(ref TWriter w, ConfigureEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3);
        w.Member("correlation_id"u8, message.CorrelationId);
        w.Member("config"u8, message.Config);
        w.Member("config_version"u8, message.ConfigVersion);
        w.EndMap();
    }
}
