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
            switch (member)
            {
                case 0:
                    id = r.ReadCorrelationId();
                    break;
                case 1:
                    config = r.ReadJson();
                    break;
                case 2:
                    version = r.ReadString();
                    break;
            }
        }

        return new ConfigureEvent { CorrelationId = id, Config = config, ConfigVersion = version };
    }

    internal static void Write<TWriter>(ref TWriter w, ConfigureEvent message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(3);
        w.Key("correlation_id"u8);
        w.Id(message.CorrelationId);
        w.Key("config"u8);
        w.JsonOrNull(message.Config);
        w.Key("config_version"u8);
        w.StringOrNull(message.ConfigVersion);
        w.EndMap();
    }
}
