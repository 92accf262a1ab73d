import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatOffsets } from '../../../../host/src/build/host-tools.js';

test('formatOffsets makes defines of what two compilers write', () => {
  const assembly = [
    '\t.ascii "->OFF_usb_device_id_bDeviceClass $8 offsetof(struct usb_device_id, bDeviceClass)"',
    '\t.ascii\t"->SIZE_pci_device_id 32 sizeof(struct pci_device_id)"',
    '\t.ascii "->OFF_x #-4 y"',
    '\t.ascii "->"',
    'movq $1, %rax',
  ].join('\n');
  assert.equal(
    formatOffsets(assembly),
    '#ifndef __DEVICETABLE_OFFSETS_H__\n#define __DEVICETABLE_OFFSETS_H__\n' +
      '#define OFF_usb_device_id_bDeviceClass 8\n#define SIZE_pci_device_id 32\n#define OFF_x -4\n#endif\n',
  );
});
