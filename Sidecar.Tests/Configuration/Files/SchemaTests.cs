using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NUnit.Framework;
using Sidecar.Daemon.Configuration.Files;
using Sidecar.Daemon.Configuration.Settings;

namespace Sidecar.Tests.Configuration.Files;

/// <summary>The schema takes the examples and refuses what the reader refuses by its shape.</summary>
internal sealed class SchemaTests
{
    private static readonly JsonNode Schema = JsonNode.Parse(ConfigurationSchema.Write())!;

    public static IReadOnlyList<string> Examples => ConfigurationExamples.Names;

    [TestCaseSource(nameof(Examples))]
    public void Example_IsTakenByTheSchema_AndReadWithoutAWarning(string name)
    {
        var text = ConfigurationExamples.Find(name)!;
        var reading = ConfigurationText.Read(text);
        Assert.That(reading.Errors.Concat(reading.Warnings), Is.Empty);
        Assert.That(Check(text), Is.Empty);
    }

    [Test]
    public void EveryProxy_HasAnExample() => Assert.That(Examples, Is.SupersetOf(new[] { "nginx", "haproxy", "envoy", "caddy", "traefik", "minimal" }));

    [TestCase("limit: {exchanges: 1}", "/limit")]
    [TestCase("limits: {exchanges: 0}", "/limits/exchanges")]
    [TestCase("limits: {body_memory: much}", "/limits/body_memory")]
    [TestCase("defaults: {timeout: 900}", "/defaults/timeout")]
    [TestCase("defaults: {breaker: {error_rate: 50}}", "/defaults/breaker/error_rate")]
    [TestCase("process: {wait_for_agents: perhaps}", "/process/wait_for_agents")]
    [TestCase("unmatched: open", "/unmatched")]
    [TestCase("routes: [{name: r, match: any}]", "/routes/0")]
    [TestCase("routes: [{name: r, match: any, inspect: [{waf: loud}]}]", "/routes/0/inspect")]
    public void WhatTheReaderRefuses_TheSchemaRefuses(string line, string place)
    {
        Assert.That(ConfigurationText.Read(ConfigurationText.Good + line).Errors, Is.Not.Empty);
        Assert.That(Check(ConfigurationText.Good + line), Has.Some.EqualTo(place));
    }

    [Test]
    public void EverySetting_HasItsKeyAndItsDescription()
    {
        var written = ConfigurationSchema.Write();
        var keys = SettingsTable.All.Where(
            static setting => setting.FilePath.Length > 0 && setting.Form.Shape != ValueShape.Stages && setting != ListenerSettings.Proxy);
        foreach (var setting in keys)
        {
            Assert.That(written, Does.Contain($"\"{setting.FilePath.Split('.')[^1]}\": {{"), setting.FilePath);
        }
    }

    private static List<string> Check(string yaml)
    {
        var findings = new Findings();
        var node = DocumentReader.Read("f", System.Text.Encoding.UTF8.GetBytes(yaml), findings)!;
        Assert.That(findings.Errors, Is.Empty);
        var wrong = new List<string>();
        Check(Schema, Json(node), "", wrong);
        return wrong;
    }

    // As a reader takes it that knows nothing of the file (YAML 1.2, core schema).
    private static JsonNode? Json(DocumentNode node) => node switch
    {
        MappingNode map => new JsonObject(map.Entries.Select(static entry => KeyValuePair.Create(entry.Key.Text, Json(entry.Value)))),
        SequenceNode list => new JsonArray([.. list.Items.Select(Json)]),
        { IsMissing: true } => null,
        ScalarNode { IsPlain: true, Text: "true" or "false" } truth => truth.Text == "true",
        ScalarNode { IsPlain: true } number when int.TryParse(number.Text, CultureInfo.InvariantCulture, out var value) => value,
        _ => ((ScalarNode)node).Text,
    };

    private static void Check(JsonNode schema, JsonNode? value, string at, List<string> wrong)
    {
        if (schema["$ref"] is { } reference)
        {
            Check(Schema["$defs"]![reference.GetValue<string>().Split('/')[^1]]!, value, at, wrong);
            return;
        }

        if (schema["anyOf"] is JsonArray choices && !choices.Any(choice => Fits(choice!, value, at)))
        {
            wrong.Add(at);
        }

        var isRight = (schema["type"]?.GetValue<string>()) switch
        {
            null => true,
            "object" => value is JsonObject,
            "array" => value is JsonArray,
            "string" => value?.GetValueKind() == System.Text.Json.JsonValueKind.String,
            "integer" => value?.GetValueKind() == System.Text.Json.JsonValueKind.Number && value.GetValue<int>() is var number
                && number >= (schema["minimum"]?.GetValue<int>() ?? int.MinValue) && number <= (schema["maximum"]?.GetValue<int>() ?? int.MaxValue),
            "boolean" => value?.GetValueKind() is System.Text.Json.JsonValueKind.True or System.Text.Json.JsonValueKind.False,
            var other => throw new NotSupportedException(other),
        };
        isRight &= schema["enum"] is not JsonArray words || words.Any(word => JsonNode.DeepEquals(word, value));
        isRight &= schema["pattern"] is not { } pattern || value?.GetValueKind() != System.Text.Json.JsonValueKind.String
            || Regex.IsMatch(value.GetValue<string>(), pattern.GetValue<string>(), RegexOptions.None, TimeSpan.FromSeconds(10));
        isRight &= schema["required"] is not JsonArray required || value is not JsonObject whole || required.All(key => whole.ContainsKey(key!.GetValue<string>()));
        isRight &= value is not JsonArray { Count: var items } || items >= (schema["minItems"]?.GetValue<int>() ?? 0);
        isRight &= value is not JsonObject { Count: var keys }
            || (keys >= (schema["minProperties"]?.GetValue<int>() ?? 0) && keys <= (schema["maxProperties"]?.GetValue<int>() ?? int.MaxValue));
        if (!isRight)
        {
            wrong.Add(at);
        }

        if (value is JsonArray list && schema["items"] is { } item)
        {
            for (var i = 0; i < list.Count; i++)
            {
                Check(item, list[i], $"{at}/{i}", wrong);
            }
        }

        if (value is JsonObject map && schema["type"]?.GetValue<string>() == "object")
        {
            CheckKeys(schema, map, at, wrong);
        }
    }

    private static void CheckKeys(JsonNode schema, JsonObject map, string at, List<string> wrong)
    {
        foreach (var (key, value) in map)
        {
            if (schema["properties"]?[key] is { } known)
            {
                Check(known, value, $"{at}/{key}", wrong);
            }
            else if (schema["additionalProperties"] is JsonObject any)
            {
                Check(any, value, $"{at}/{key}", wrong);
            }
            else
            {
                wrong.Add($"{at}/{key}");
            }
        }
    }

    private static bool Fits(JsonNode schema, JsonNode? value, string at)
    {
        var wrong = new List<string>();
        Check(schema, value, at, wrong);
        return wrong.Count == 0;
    }
}
