#include "accounts/field.h"

#include "base/strbuf.h"

static const char *const names[] = {
#define X(symbol, name) [symbol] = (name),
	FIELD_TABLE(X)
#undef X
};

static const struct {
	const char *name, *text;
} faults_known[] = {
#define X(symbol, name, text) [symbol] = { name, text },
	FAULT_TABLE(X)
#undef X
};

const char *field_name(enum field field)
{
	return names[field];
}

const char *field_fault_name(enum field_fault fault)
{
	return faults_known[fault].name;
}

const char *field_fault_text(enum field_fault fault)
{
	return faults_known[fault].text;
}

bool field_faults_any(const struct field_faults *faults)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (faults->of[i] != FIELD_OK)
			return true;
	}
	return false;
}

enum err_code field_faults_check(const struct field_faults *faults, struct err *err)
{
	cleanup_strbuf struct strbuf text = STRBUF_INIT(ERR_MESSAGE_MAX);
	enum err_code code = ERR_OK;
	for (size_t i = 0; i < FIELDS; i++) {
		enum field_fault fault = faults->of[i];
		if (fault == FIELD_OK)
			continue;
		strbuf_addf(&text, "%s%s %s", text.len > 0 ? ", " : "", names[i], field_fault_text(fault));
		if (fault != FIELD_TAKEN)
			code = ERR_INVALID;
		else if (code == ERR_OK)
			code = ERR_CONFLICT;
	}
	return code == ERR_OK ? ERR_OK : err_set(err, code, "%s", strbuf_str(&text));
}
