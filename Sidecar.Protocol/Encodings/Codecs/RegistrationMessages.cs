using System.Text.Json;
using Sidecar.Protocol.Encodings.Values;
using Sidecar.Protocol.Messages;

namespace Sidecar.Protocol.Encodings.Codecs;

/// <summary>The two messages of a registration on a reverse connection (spec §8).</summary>
internal static class RegistrationMessages
{
    private static readonly MemberTable RequestMembers = new(
        5, "protocol_version", "agent_id", "capabilities", "auth_token", "metadata");

    private static readonly MemberTable ResponseMembers = new(
        5, "success", "error", "proxy_id", "proxy_version", "connection_id");

    internal static RegistrationRequest ReadRequest<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        uint? version = null;
        string? agentId = null, token = null;
        AgentCapabilities? capabilities = null;
        JsonElement? metadata = null;
        var scope = r.BeginStruct();
        while (r.Next(ref scope, RequestMembers, out var member))
        {
            switch (member)
            {
                case 0:
                    version = r.ReadUInt32();
                    break;
                case 1:
                    agentId = r.ReadString();
                    break;
                case 2:
                    capabilities = CapabilitiesCodec.Read(ref r);
                    break;
                case 3:
                    token = r.ReadString();
                    break;
                case 4:
                    metadata = r.ReadJson();
                    break;
            }
        }

        r.End();
        return new RegistrationRequest
        {
            ProtocolVersion = version ?? throw ProtocolErrors.Missing("RegistrationRequest", "protocol_version"),
            AgentId = agentId ?? throw ProtocolErrors.Missing("RegistrationRequest", "agent_id"),
            Capabilities = capabilities ?? throw ProtocolErrors.Missing("RegistrationRequest", "capabilities"),
            AuthToken = token,
            Metadata = metadata,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RegistrationRequest message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Key("protocol_version"u8);
        w.UInt64(message.ProtocolVersion);
        w.Key("agent_id"u8);
        w.String(message.AgentId);
        w.Key("capabilities"u8);
        CapabilitiesCodec.Write(ref w, message.Capabilities);
        w.Key("auth_token"u8);
        w.StringOrNull(message.AuthToken);
        w.Key("metadata"u8);
        w.JsonOrNull(message.Metadata);
        w.EndMap();
    }

    internal static RegistrationResponse ReadResponse<TReader>(ref TReader r)
        where TReader : struct, IValueReader, allows ref struct
    {
        bool? success = null;
        string? error = null;
        string proxyId = "", proxyVersion = "", connectionId = "";
        var scope = r.BeginStruct();
        while (r.Next(ref scope, ResponseMembers, out var member))
        {
            switch (member)
            {
                case 0:
                    success = r.ReadBoolean();
                    break;
                case 1:
                    error = r.ReadText();
                    break;
                case 2:
                    proxyId = r.ReadString();
                    break;
                case 3:
                    proxyVersion = r.ReadString();
                    break;
                case 4:
                    connectionId = r.ReadString();
                    break;
            }
        }

        r.End();
        return new RegistrationResponse
        {
            Success = success ?? throw ProtocolErrors.Missing("RegistrationResponse", "success"),
            Error = error,
            ProxyId = proxyId,
            ProxyVersion = proxyVersion,
            ConnectionId = connectionId,
        };
    }

    internal static void Write<TWriter>(ref TWriter w, RegistrationResponse message)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(5);
        w.Key("success"u8);
        w.Boolean(message.Success);
        w.Key("error"u8);
        w.StringOrNull(message.Error);
        w.Key("proxy_id"u8);
        w.String(message.ProxyId);
        w.Key("proxy_version"u8);
        w.String(message.ProxyVersion);
        w.Key("connection_id"u8);
        w.String(message.ConnectionId);
        w.EndMap();
    }

    internal static void WriteAck<TWriter>(ref TWriter w, bool accepted, string? error)
        where TWriter : struct, IValueWriter, allows ref struct
    {
        w.BeginMap(2);
        w.Key("accepted"u8);
        w.Boolean(accepted);
        w.Key("error"u8);
        w.StringOrNull(error);
        w.EndMap();
    }
}
