using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Daemon.Configuration.Files;

/// <summary>The JSON Schema of the configuration file, for editors: made of the settings' table, so that it has every key there is.</summary>
/// <remarks>It holds shapes, words and ranges. What needs more than one key to be seen is for <c>sidecar check</c> to say.</remarks>
internal static class ConfigurationSchema
{
    private const string Name = "^[A-Za-z0-9._-]{1,64}$";

    /// <summary>The schema, indented, with a line end.</summary>
    public static string Write()
    {
        var output = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true }))
        {
            Root().WriteTo(writer);
        }

        return Encoding.UTF8.GetString(output.WrittenSpan) + "\n";
    }

    private static JsonObject Root()
    {
        var root = Keys(KeyTree.OfDaemon, new JsonObject
        {
            ["version"] = new JsonObject { ["enum"] = Texts(["1"], 1) },
            ["include"] = OneOrMore(Text("A file with listeners, agents and routes; '*' may stand in its name")),
            ["unmatched"] = Described(
                AnyOf(Words(["refuse", "pass"]), Object(new JsonObject { ["inspect"] = Ref("inspect") }, ["inspect"])),
                DaemonSettings.Unmatched),
            ["defaults"] = Keys(KeyTree.OfDefaults),
            ["listeners"] = Named(AnyOf([.. FrontWord.All.Select(Listener)])),
            ["agents"] = Named(
                Keys(
                    KeyTree.Of(SettingScopes.Agent),
                    new JsonObject { ["at"] = OneOrMore(Text("unix:PATH, URL, grpc-unix:PATH or reverse:")) }, ["at"])),
            ["routes"] = new JsonObject { ["type"] = "array", ["items"] = Route() },
        }, ["version"]);
        root["$schema"] = "https://json-schema.org/draft/2020-12/schema";
        root["title"] = "Configuration of sidecar";
        root["$defs"] = new JsonObject
        {
            ["agent"] = AnyOf(
                new JsonObject { ["type"] = "string" },
                new JsonObject
                {
                    ["type"] = "object",
                    ["minProperties"] = 1,
                    ["maxProperties"] = 1,
                    ["additionalProperties"] = AnyOf(
                        Words(RouteFormats.Modes.Form.Words),
                        Object(new JsonObject { ["mode"] = Words(RouteFormats.Modes.Form.Words) }, ["mode"])),
                }),
            ["inspect"] = AnyOf(Ref("agent"), new JsonObject
            {
                ["type"] = "array",
                ["minItems"] = 1,
                ["items"] = AnyOf(Ref("agent"), new JsonObject { ["type"] = "array", ["minItems"] = 1, ["items"] = Ref("agent") }),
            }),
        };
        return root;
    }

    private static JsonObject Listener(FrontWord front)
    {
        var keys = new JsonObject { ["for"] = Words([front.Word]) };
        if (front.Proxy != ProxyKind.Traefik)
        {
            keys["socket"] = Text("The path of the socket");
        }

        if (front.MayUsePort)
        {
            keys["address"] = Text("An address of loopback with a port");
        }

        return Keys(KeyTree.Of(front.Scope), keys, ["for"]);
    }

    private static JsonObject Route()
    {
        var match = Keys(KeyTree.Of(SettingScopes.Route).Below("match")!);
        match["minProperties"] = 1;
        return Keys(
            KeyTree.Of(SettingScopes.Route),
            new JsonObject
            {
                ["name"] = new JsonObject { ["type"] = "string", ["pattern"] = Name },
                ["match"] = AnyOf(Words(["any"]), match),
                ["inspect"] = Ref("inspect"),
            },
            ["name", "match", "inspect"]);
    }

    private static JsonObject Keys(KeyTree tree, JsonObject? others = null, string[]? required = null)
    {
        var keys = others ?? [];
        foreach (var key in tree.Keys.Where(key => !keys.ContainsKey(key)))
        {
            keys[key] = tree.Below(key) is { } below ? Keys(below) : Described(ValueOf(tree.SettingOf(key)!.Form), tree.SettingOf(key)!);
        }

        return Object(keys, required ?? []);
    }

    private static JsonObject ValueOf(ValueForm form) => form.Shape switch
    {
        ValueShape.List => OneOrMore(One(form)),
        ValueShape.Map => AnyOf(
            new JsonObject { ["type"] = "string" },
            new JsonObject { ["type"] = "object", ["additionalProperties"] = One(form with { Words = [] }) }),
        _ => One(form),
    };

    // Readers who do not know the file take some texts for numbers or truth values.
    private static JsonObject One(ValueForm form)
    {
        var kinds = new List<JsonObject>();
        if (form.Words.Count > 0)
        {
            kinds.Add(Words(form.Words));
        }

        if (form.Pattern is { } pattern)
        {
            kinds.Add(new JsonObject { ["type"] = "string", ["pattern"] = $"^({pattern})$" });
        }

        if (form.Bounds is var (min, max))
        {
            kinds.Add(new JsonObject { ["type"] = "integer", ["minimum"] = min, ["maximum"] = max });
        }
        else if (form.IsNumeric)
        {
            kinds.Add(new JsonObject { ["type"] = "integer" });
        }

        if (form.IsSwitch)
        {
            kinds.Add(new JsonObject { ["type"] = "boolean" });
        }

        return kinds.Count switch { 0 => new JsonObject { ["type"] = "string" }, 1 => kinds[0], _ => AnyOf([.. kinds]) };
    }

    private static JsonObject Described(JsonObject schema, Setting setting)
    {
        schema["description"] = $"{setting.Help} [{setting.DefaultText}]";
        return schema;
    }

    private static JsonObject Object(JsonObject keys, string[] required)
    {
        var schema = new JsonObject { ["type"] = "object", ["properties"] = keys, ["additionalProperties"] = false };
        if (required.Length > 0)
        {
            schema["required"] = Texts(required);
        }

        return schema;
    }

    private static JsonObject Named(JsonObject schema) => new()
    {
        ["type"] = "object",
        ["propertyNames"] = new JsonObject { ["pattern"] = Name },
        ["additionalProperties"] = schema,
    };

    private static JsonObject OneOrMore(JsonObject schema) =>
        AnyOf(schema, new JsonObject { ["type"] = "array", ["items"] = schema.DeepClone() });

    private static JsonObject AnyOf(params JsonObject[] schemas) => new() { ["anyOf"] = new JsonArray([.. schemas]) };

    private static JsonObject Words(IEnumerable<string> words) => new() { ["enum"] = Texts(words) };

    private static JsonObject Text(string description) => new() { ["type"] = "string", ["description"] = description };

    private static JsonObject Ref(string name) => new() { ["$ref"] = $"#/$defs/{name}" };

    private static JsonArray Texts(IEnumerable<string> texts, params int[] numbers)
    {
        var all = new JsonArray();
        foreach (var text in texts)
        {
            all.Add((JsonNode)text);
        }

        foreach (var number in numbers)
        {
            all.Add((JsonNode)number);
        }

        return all;
    }
}
